import { PorticoError } from '../errors.js';
import { lowerCaseName } from '../http/lower-case.js';
import type { ApplicationCall } from './application-call.js';
import { checkedHeaderName } from './header-check.js';
import { ResponseCookies } from './response-cookies.js';

/** Status and headers of the answer, as far as they are settled before the content. Without effect once it is sent. */
export class ApplicationResponse {
  readonly call: ApplicationCall;
  readonly headers: ResponseHeaders = new ResponseHeaders();
  #status: number | undefined;
  #cookies: ResponseCookies | undefined;

  constructor(call: ApplicationCall) {
    this.call = call;
  }

  /** Status for contents that have none of their own; undefined means 200 for them, and "unanswered" without one. */
  get status(): number | undefined {
    return this.#status;
  }

  /** Not a whole number from 200 to 599: `PORTICO_INVALID_STATUS`. */
  set status(status: number | undefined) {
    if (status !== undefined) checkStatus(status);
    this.#status = status;
  }

  /** Sets cookies. */
  get cookies(): ResponseCookies {
    this.#cookies ??= new ResponseCookies(this.headers);
    return this.#cookies;
  }

  /** Adds a header line. See `ResponseHeaders.append`. */
  header(name: string, value: string): void {
    this.headers.append(name, value);
  }
}

/** Refuses numbers that are no final status (RFC 9110 §15). */
export function checkStatus(status: number): void {
  if (Number.isInteger(status) && status >= 200 && status <= 599) return;
  throw new PorticoError(
    'PORTICO_INVALID_STATUS',
    `${status} is not the status of a final response. Use a whole number from 200 to 599.`,
  );
}

/** Header fields on their way out. Names keep their case and are compared without regard to it. */
export class ResponseHeaders {
  readonly #flat: string[] = [];
  /** The names of `#flat` in lower case. */
  readonly #lowerNames: string[] = [];

  /** `[name, value, name, value, …]`; MUST NOT be changed. */
  get flat(): readonly string[] {
    return this.#flat;
  }

  /** Adds a line behind those of the same name. `PORTICO_INVALID_HEADER`, `PORTICO_UNSAFE_HEADER`. */
  append(name: string, value: string): void {
    this.#add(name, checkedHeaderName(name, value), value);
  }

  /** Replaces all lines of this name by one. */
  set(name: string, value: string): void {
    const lower = checkedHeaderName(name, value);
    this.#removeAll(lower);
    this.#add(name, lower, value);
  }

  remove(name: string): void {
    this.#removeAll(lowerCaseName(name));
  }

  #removeAll(lower: string): void {
    for (let i = this.#lowerNames.indexOf(lower); i >= 0; i = this.#lowerNames.indexOf(lower, i)) {
      this.#lowerNames.splice(i, 1);
      this.#flat.splice(i * 2, 2);
    }
  }

  /** Puts these lines (`flat`) in the place of all that are there. */
  replaceAll(flat: readonly string[]): void {
    const lines = [...flat];
    this.#flat.length = 0;
    for (let i = 0; i + 1 < lines.length; i += 2) this.append(lines[i] as string, lines[i + 1] as string);
  }

  get(name: string): string | undefined {
    const index = this.#lowerNames.indexOf(lowerCaseName(name));
    return index < 0 ? undefined : this.#flat[index * 2 + 1];
  }

  getAll(name: string): readonly string[] {
    const lower = lowerCaseName(name);
    return this.#lowerNames.flatMap((one, i) => (one === lower ? [this.#flat[i * 2 + 1] as string] : []));
  }

  has(name: string): boolean {
    return this.#lowerNames.includes(lowerCaseName(name));
  }

  #add(name: string, lower: string, value: string): void {
    this.#flat.push(name, value);
    this.#lowerNames.push(lower);
  }
}
