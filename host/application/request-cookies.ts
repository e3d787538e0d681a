import { type CookieEncoding, decodeCookieValue } from '../http/cookie-encoding.js';
import { parseCookieHeader } from '../http/cookie-header.js';

/**
 * Cookies of a request. Of several with one name the first counts: clients send the one with the longest path first
 * (RFC 6265 §5.4). Values that are not in the encoding they are read with are given as they were sent.
 */
export class RequestCookies implements Iterable<readonly [name: string, value: string]> {
  readonly #pairs: readonly (readonly [string, string])[];

  /** `lines`: the values of all Cookie fields. */
  constructor(lines: readonly string[]) {
    this.#pairs = parseCookieHeader(lines);
  }

  /** The decoded value. */
  get(name: string, encoding: CookieEncoding = 'uri'): string | undefined {
    const text = this.raw(name);
    return text === undefined ? undefined : (decodeCookieValue(text, encoding) ?? text);
  }

  /** The value as it was sent, without quotes. */
  raw(name: string): string | undefined {
    return this.#pairs.find(([own]) => own === name)?.[1];
  }

  /** Decoded values of all cookies of this name, in the order sent. */
  getAll(name: string, encoding: CookieEncoding = 'uri'): readonly string[] {
    return this.#pairs
      .filter(([own]) => own === name)
      .map(([, text]) => decodeCookieValue(text, encoding) ?? text);
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** Each name once, in the order sent. */
  get names(): readonly string[] {
    return [...new Set(this.#pairs.map(([name]) => name))];
  }

  /** Number of names. */
  get size(): number {
    return this.names.length;
  }

  /** Names with their decoded first values. */
  *[Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    for (const name of this.names) yield [name, this.get(name) ?? ''];
  }
}
