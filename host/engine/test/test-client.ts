import { PorticoError } from '../../errors.js';
import { AbortReason, type ExchangeHandler } from '../../exchange/exchange.js';
import { TestCookieJar } from './test-cookie-jar.js';
import { openTestEvents, type TestEvents, type TestEventsOptions } from './test-events.js';
import { TestExchange } from './test-exchange.js';
import { fetchThrough, type TestFetch } from './test-fetch.js';
import { nextTarget } from './test-redirects.js';
import { encodeBody, encodeMultipart, headerLines, type TestRequestOptions } from './test-request-options.js';
import type { TestResponse } from './test-response.js';
import { TestStatusError } from './test-status-error.js';
import { parseTarget, type TestTarget, urlOf } from './test-target.js';
import { openTestWebSocket, type TestWebSocket, type TestWebSocketOptions } from './test-web-socket.js';

/** Who answers a request, by where it goes. `PORTICO_TEST_UNKNOWN_HOST` when nobody does. */
export type TestNetwork = (target: TestTarget) => ExchangeHandler | Promise<ExchangeHandler>;

/** How a client behaves. */
export interface TestClientOptions {
  /** Sent with every request that does not set them itself. */
  readonly headers?: TestRequestOptions['headers'];
  /** Keeps cookies between requests: true, or a jar that several clients share. Default false. */
  readonly cookies?: boolean | TestCookieJar;
  /** Follows redirects: true for at most 20 in a row, or the number. Default false: the test sees them. */
  readonly followRedirects?: boolean | number;
  /** Rejects with `TestStatusError` where the status is 300 or more. Default false. */
  readonly expectSuccess?: boolean;
  /** How long a request may wait for the head of its response. Default 30 s; 0: for ever. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_REDIRECTS = 20;

/**
 * Sends requests to exchange handlers in memory: to one, or by host through a `TestNetwork`. Every request goes through
 * the whole pipeline; no socket is opened. Made anew by `with` for other behaviour on the same network.
 *
 * ```ts
 * const browser = t.client.with({ cookies: true, followRedirects: true });
 * const response = await browser.post('/login', { form: { name: 'ada' } });
 * expect([response.status, response.url]).toEqual([200, 'http://localhost/']);
 * ```
 */
export class TestClient {
  /** Where cookies are kept; undefined when they are not. */
  readonly cookies: TestCookieJar | undefined;
  /** What answers the exchanges of the application itself. */
  readonly handler: ExchangeHandler;
  readonly #network: TestNetwork;
  readonly #options: TestClientOptions;

  /** Without a network, `handler` answers whatever host is named. */
  constructor(
    handler: ExchangeHandler,
    options: TestClientOptions = {},
    network: TestNetwork = () => handler,
  ) {
    this.handler = handler;
    this.#network = network;
    this.#options = options;
    this.cookies =
      options.cookies === true
        ? new TestCookieJar()
        : options.cookies === false
          ? undefined
          : options.cookies;
  }

  /** A client on the same network that behaves differently; what is not named stays, a jar is shared. */
  with(options: TestClientOptions): TestClient {
    const cookies = options.cookies ?? this.cookies ?? false;
    return new TestClient(this.handler, { ...this.#options, ...options, cookies }, this.#network);
  }

  get(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('GET', target, options);
  }

  head(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('HEAD', target, options);
  }

  post(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('POST', target, options);
  }

  put(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('PUT', target, options);
  }

  patch(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('PATCH', target, options);
  }

  delete(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('DELETE', target, options);
  }

  options(target: string, options?: TestRequestOptions): Promise<TestResponse> {
    return this.request('OPTIONS', target, options);
  }

  /** Resolves with the head of the response; the body is read from it. `target`: a path, or a whole URL. */
  async request(method: string, target: string, options: TestRequestOptions = {}): Promise<TestResponse> {
    let at = parseTarget(target);
    let response = await this.#send(method, at, options);
    let [verb, sent] = [method, options];
    for (let followed = 0; this.#maxRedirects > 0; followed++) {
      const next = nextTarget(verb, at, sent, response);
      if (next === undefined) break;
      if (followed === this.#maxRedirects)
        throw new PorticoError(
          'PORTICO_TEST_REDIRECT',
          `${method} ${target} was redirected more than ${this.#maxRedirects} times, at last to ${urlOf(next.target)}. ` +
            'Look for a loop, or allow more by followRedirects.',
        );
      await response.bytes();
      at = next.target;
      verb = next.method;
      sent = next.options;
      response = await this.#send(verb, at, sent);
      response.redirects = followed + 1;
    }
    if (this.#options.expectSuccess === true && response.status >= 300)
      throw new TestStatusError(verb, response, 'a success');
    return response;
  }

  /** The exchange for a request, not dispatched yet; for tests that look at it or abort it. */
  exchange(method: string, target: string, options: TestRequestOptions = {}): TestExchange {
    return this.#exchange(method, parseTarget(target), options, encodeBody(options));
  }

  /** Opens a WebSocket; anything but 101 is a `TestStatusError`. */
  webSocket(target: string, options?: TestWebSocketOptions): Promise<TestWebSocket> {
    return openTestWebSocket(this, target, options);
  }

  /** Opens a stream of server-sent events; anything but 200 with its content type is a `TestStatusError`. */
  events(target: string, options?: TestEventsOptions): Promise<TestEvents> {
    return openTestEvents(this, target, options);
  }

  /**
   * The network of the test in the form of the global `fetch`, to be handed to an application that calls other
   * services. Follows redirects as `fetch` does; failures are PorticoErrors.
   */
  get fetch(): TestFetch {
    return fetchThrough(this);
  }

  get #maxRedirects(): number {
    const { followRedirects } = this.#options;
    return followRedirects === true ? DEFAULT_REDIRECTS : Number(followRedirects ?? 0);
  }

  async #send(method: string, target: TestTarget, options: TestRequestOptions): Promise<TestResponse> {
    // Without waiting where nothing is to be waited for: the request is under way when this returns.
    const found = this.#network(target);
    const handler = typeof found === 'function' ? found : await found;
    const encoded = options.multipart ? await encodeMultipart(options.multipart) : encodeBody(options);
    const exchange = this.#exchange(method, target, options, encoded);
    const { signal } = options;
    const onAbort = (): void => exchange.fail(AbortReason.CANCELLED, signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    else exchange.dispatch(handler);
    const response = await this.#withDeadline(exchange, `${method} ${urlOf(target)}`);
    response.url = urlOf(target);
    this.cookies?.store(target, response.headerAll('set-cookie'));
    return response;
  }

  #exchange(
    method: string,
    target: TestTarget,
    options: TestRequestOptions,
    { body, contentType }: ReturnType<typeof encodeBody>,
  ): TestExchange {
    const headers = headerLines(options, this.#options.headers);
    const has = (name: string): boolean =>
      headers.some((text, i) => i % 2 === 0 && text.toLowerCase() === name);
    if (contentType !== undefined && !has('content-type')) headers.push('Content-Type', contentType);
    const cookie = has('cookie') ? undefined : this.cookies?.header(target);
    if (cookie !== undefined) headers.push('Cookie', cookie);
    const { scheme, authority, port, path } = target;
    return new TestExchange({ method, target: path, headers, body, scheme, authority, port });
  }

  async #withDeadline(exchange: TestExchange, what: string): Promise<TestResponse> {
    const timeoutMs = this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    if (timeoutMs === 0) return exchange.response;
    const timer = setTimeout(() => {
      const error = new PorticoError(
        'PORTICO_TEST_TIMEOUT',
        `${what} was not answered within ${timeoutMs} ms. Look for a handler that does not end.`,
      );
      exchange.fail(AbortReason.CANCELLED, error);
    }, timeoutMs);
    try {
      return await exchange.response;
    } finally {
      clearTimeout(timer);
    }
  }
}
