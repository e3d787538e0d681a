import type { Module } from '../../application/application.js';
import { runTestApplication } from './run-test-application.js';
import type { TestApplication } from './test-application-object.js';
import type { TestClient } from './test-client.js';
import type { TestRequestOptions } from './test-request-options.js';
import type { TestWebSocket, TestWebSocketOptions } from './test-web-socket.js';

/** A call that `handleRequest` has made, with its whole answer. */
export interface TestApplicationCall {
  readonly request: { readonly method: string; readonly uri: string };
  readonly response: {
    readonly status: number;
    /** The body as UTF-8. */
    readonly content: string;
    readonly bytes: Buffer;
    /** By lower-case name; lines of one name are joined by `, `. */
    readonly headers: Readonly<Record<string, string>>;
  };
}

/** What `withTestApplication` gives a test: an application that is put together by its first request. */
export class WithTestApplication {
  /** For what the older form has no words for. */
  readonly application: TestApplication;
  #client: TestClient;

  constructor(application: TestApplication) {
    this.application = application;
    this.#client = application.client;
  }

  /** Sends a request and reads the whole answer. */
  async handleRequest(
    method: string,
    uri: string,
    options?: TestRequestOptions,
  ): Promise<TestApplicationCall> {
    const response = await this.#client.request(method, uri, options);
    const bytes = await response.bytes();
    return {
      request: { method, uri },
      response: {
        status: response.status,
        content: bytes.toString('utf8'),
        bytes,
        headers: response.headers,
      },
    };
  }

  /** Opens a WebSocket for the time of `conversation`. */
  async handleWebSocketConversation<Result>(
    uri: string,
    options: TestWebSocketOptions,
    conversation: (socket: TestWebSocket) => Result | Promise<Result>,
  ): Promise<Result> {
    const socket = await this.#client.webSocket(uri, options);
    try {
      return await conversation(socket);
    } finally {
      await socket.close();
    }
  }

  /** Requests inside keep cookies, as one browser does. */
  async cookiesSession<Result>(session: () => Result | Promise<Result>): Promise<Result> {
    const before = this.#client;
    this.#client = before.with({ cookies: true });
    try {
      return await session();
    } finally {
      this.#client = before;
    }
  }
}

/**
 * The older form of a test, for those who come with tests written in it. The application is started by the first
 * request and stopped at the end; errors of handlers reject `handleRequest`.
 *
 * ```ts
 * await withTestApplication(shopModule, async (t) => {
 *   const { response } = await t.handleRequest('GET', '/items/7', { headers: { Accept: 'text/plain' } });
 *   expect([response.status, response.content]).toEqual([200, 'seven']);
 * });
 * ```
 */
export function withTestApplication<Result>(
  modules: Module | readonly Module[],
  test: (t: WithTestApplication) => Result | Promise<Result>,
): Promise<Result> {
  return runTestApplication((application) => {
    for (const module of typeof modules === 'function' ? [modules] : modules) application.application(module);
    return test(new WithTestApplication(application));
  });
}
