import { AsyncLocalStorage } from 'node:async_hooks';
import { messageOf } from '../../../errors.js';
import { printable } from '../../../log/printable.js';
import { packageVersion } from '../../../package-version.js';
import { type BoundedAnswer, sendBounded } from '../bounded-request.js';
import { AcmeError } from './acme-error.js';

/**
 * How the requests of `acme-client` travel. The library brings axios with it, whose retries follow any `Retry-After`
 * and whose answers have no bound; so axios gets an adapter that sends one request, with deadline, bound and authorities
 * of our own, and raises the problems that the authority states. The library has one axios for the whole process: the
 * transport of the order at work is found by its asynchronous context.
 */
export class AcmeTransport {
  readonly #ca: string | undefined;
  readonly #signal: AbortSignal;
  /** `Retry-After` of the last answer, in milliseconds. */
  retryAfterMs: number | undefined;

  /** `ca`: PEM of the authorities that the authority's own https is checked against; undefined: those of Node. */
  constructor(ca: string | undefined, signal: AbortSignal) {
    this.#ca = ca;
    this.#signal = signal;
  }

  /** Runs what uses the library: its requests go through this transport. */
  async run<T>(work: (library: typeof import('acme-client')) => Promise<T>): Promise<T> {
    const library = await import('acme-client');
    const { defaults } = library.axios as unknown as { defaults: { adapter: unknown } };
    defaults.adapter = adapt;
    return await current.run(this, async () => await work(library));
  }

  /** Sends one request of axios and gives what axios wants. */
  async send(config: AxiosRequest): Promise<AxiosAnswer> {
    const url = new URL(config.url);
    if (url.protocol !== 'https:')
      throw unreachable(url, `it is not https; the directory must name https only`, undefined);
    const headers = { ...config.headers, 'user-agent': `portico/${packageVersion()}` };
    let answer: BoundedAnswer;
    try {
      answer = await sendBounded(url, {
        method: config.method.toUpperCase(),
        headers,
        body: config.data,
        ca: this.#ca,
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(REQUEST_MS)]),
        maxBytes: MAX_ANSWER_BYTES,
      });
    } catch (cause) {
      if (this.#signal.aborted) throw cause;
      throw unreachable(url, messageOf(cause), cause);
    }
    const { status } = answer;
    const text = answer.body.toString('utf8');
    this.retryAfterMs = retryAfterMs(answer.headers['retry-after']);
    if (status >= 400) this.#raise(url, status, text);
    return { data: text, status, statusText: '', headers: answer.headers, config, request: undefined };
  }

  /** Raises what the authority says; a bad nonce is left to the library, which takes the next one. */
  #raise(url: URL, status: number, text: string): void {
    const { type, detail, subproblems } = problemOf(text);
    const problem = type?.replace(/^urn:ietf:params:acme:error:/, '');
    if (problem === 'badNonce') return;
    const all = [detail, ...(subproblems ?? []).map((one) => one.detail)].filter((one) => one !== undefined);
    const said = all.length === 0 ? 'without a reason' : printable(all.join('; ').slice(0, MAX_SAID));
    throw new AcmeError(
      'PORTICO_ACME_REFUSED',
      `The certification authority ${url.host} refused ${url.pathname} with ${status}${problem === undefined ? '' : ` ${printable(problem)}`}: ${said}. It is tried again later; ${adviceFor(problem)}.`,
      { problem, retryAfterMs: this.retryAfterMs },
    );
  }
}

/** What axios gives its adapter, as far as it is needed. */
interface AxiosRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: string | undefined;
}

interface AxiosAnswer {
  readonly data: string;
  readonly status: number;
  readonly statusText: string;
  readonly headers: BoundedAnswer['headers'];
  readonly config: AxiosRequest;
  readonly request: undefined;
}

const current = new AsyncLocalStorage<AcmeTransport>();

async function adapt(config: AxiosRequest): Promise<AxiosAnswer> {
  const transport = current.getStore();
  if (transport === undefined) throw new Error('a request of acme-client outside of AcmeTransport.run');
  return await transport.send(config);
}

const REQUEST_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_SAID = 1000;
/** An authority that wants more is asked again after this. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

function adviceFor(problem: string | undefined): string {
  return problem === 'externalAccountRequired'
    ? 'set "tls.acme.externalAccount" to what the authority has given you'
    : 'correct what it says';
}

function unreachable(url: URL, reason: string, cause: unknown): AcmeError {
  return new AcmeError(
    'PORTICO_ACME_UNREACHABLE',
    `The certification authority ${url.host} cannot be asked: ${reason}. It is tried again later; check "tls.acme.directory", the network, and "directoryCa" if the authority is a private one.`,
    { cause },
  );
}

function problemOf(text: string): {
  readonly type?: string;
  readonly detail?: string;
  readonly subproblems?: readonly { readonly detail?: string }[];
} {
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem !== 'object' || problem === null) return {};
    const { type, detail, subproblems } = problem as Record<string, unknown>;
    return {
      ...(typeof type === 'string' ? { type } : {}),
      ...(typeof detail === 'string' ? { detail } : {}),
      ...(Array.isArray(subproblems)
        ? { subproblems: subproblems.filter((one) => typeof one === 'object' && one !== null) }
        : {}),
    };
  } catch {
    // An error page of something in between.
    return {};
  }
}

/** Seconds or a date (RFC 9110 §10.2.3), within a bound. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms)) : undefined;
}
