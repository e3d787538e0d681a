import { AbortReason, type ExchangeHandler } from '../../exchange/exchange.js';
import { TestExchange } from './test-exchange.js';
import type { TestResponse } from './test-response.js';

/** What to send besides method and path. */
export interface TestRequestOptions {
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Texts are sent as UTF-8. An iterable is sent without a known length. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Sent as JSON, with its content type. */
  readonly json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>>;
  /** Aborting it is the client going away. */
  readonly signal?: AbortSignal;
}

/** Sends requests to an exchange handler in memory. Redirects are not followed. */
export class TestClient {
  /** What answers the exchanges. */
  readonly handler: ExchangeHandler;

  constructor(handler: ExchangeHandler) {
    this.handler = handler;
  }

  get(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('GET', target, options);
  }

  post(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('POST', target, options);
  }

  put(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('PUT', target, options);
  }

  delete(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('DELETE', target, options);
  }

  /** Resolves with the head of the response; the body is read from it. */
  request(method: string, target: string, options: TestRequestOptions = {}): Promise<TestResponse> {
    const exchange = this.exchange(method, target, options);
    options.signal?.addEventListener('abort', () => exchange.fail(AbortReason.CANCELLED), { once: true });
    exchange.dispatch(this.handler);
    return exchange.response;
  }

  /** The exchange for a request, not dispatched yet; for tests that look at it or abort it. */
  exchange(method: string, target: string, options: TestRequestOptions = {}): TestExchange {
    const headers: string[] = [];
    for (const [name, value] of Object.entries(options.headers ?? {}))
      for (const one of typeof value === 'string' ? [value] : value) headers.push(name, one);
    const [body, contentType] = bodyOf(options);
    const hasType = headers.some((text, i) => i % 2 === 0 && text.toLowerCase() === 'content-type');
    if (contentType !== undefined && !hasType) headers.push('Content-Type', contentType);
    return new TestExchange({ method, target, headers, body });
  }
}

function bodyOf(
  options: TestRequestOptions,
): readonly [Uint8Array | AsyncIterable<Uint8Array> | undefined, string | undefined] {
  if (options.json !== undefined) return [Buffer.from(JSON.stringify(options.json)), 'application/json'];
  if (options.form !== undefined)
    return [
      Buffer.from(new URLSearchParams({ ...options.form }).toString()),
      'application/x-www-form-urlencoded',
    ];
  return [typeof options.body === 'string' ? Buffer.from(options.body) : options.body, undefined];
}
