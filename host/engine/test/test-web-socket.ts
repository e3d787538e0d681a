import { once } from 'node:events';
import type { WebSocket } from 'ws';
import { messageOf, PorticoError } from '../../errors.js';
import { Mailbox } from './mailbox.js';
import type { TestClient } from './test-client.js';
import { TestConnection } from './test-connection.js';
import type { TestResponse } from './test-response.js';
import { TestStatusError } from './test-status-error.js';
import { parseTarget, urlOf } from './test-target.js';

/** How a WebSocket is opened. */
export interface TestWebSocketOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sub-protocols in order of preference. */
  readonly protocols?: readonly string[];
  /** Offers compression. Default true, as browsers do. */
  readonly perMessageDeflate?: boolean;
  /** Answers pings. Default true. */
  readonly autoPong?: boolean;
  /** How long `receive` and `closed` may take. Default 30 s; 0: for ever. */
  readonly timeoutMs?: number;
}

/** How a WebSocket was closed: the code that came from the other side, 1006 when it was cut. */
export interface TestClose {
  readonly code: number;
  readonly reason: string;
}

/** A message: a string for text, a Buffer for binary. */
export type TestMessage = string | Buffer;

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * The client's end of a WebSocket in memory. It is the client of `ws`, on a connection without a socket, so handshake,
 * masks, fragments and compression are checked by somebody else than the application's side.
 *
 * ```ts
 * const chat = await t.client.webSocket('/chat/blue');
 * await chat.send('hello');
 * expect(await chat.receive()).toBe('you said hello');
 * expect(await chat.close()).toEqual({ code: 1000, reason: '' });
 * ```
 */
export class TestWebSocket implements AsyncIterable<TestMessage> {
  /** The response to the handshake. */
  readonly response: TestResponse;
  readonly #socket: WebSocket;
  readonly #connection: TestConnection;
  readonly #messages = new Mailbox<TestMessage>('A WebSocket message');
  readonly #timeoutMs: number;
  readonly #closed: Promise<TestClose>;

  /** For `openTestWebSocket`; nothing may have come on `socket` yet. */
  constructor(socket: WebSocket, connection: TestConnection, response: TestResponse, timeoutMs: number) {
    this.#socket = socket;
    this.#connection = connection;
    this.response = response;
    this.#timeoutMs = timeoutMs;
    socket.on('message', (data, isBinary) => {
      // binaryType is `nodebuffer`: one Buffer.
      const bytes = data as Buffer;
      this.#messages.put(isBinary ? bytes : bytes.toString('utf8'));
    });
    this.#closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#messages.end();
        resolve({ code, reason: reason.toString('utf8') });
      });
    });
  }

  /** The sub-protocol that was agreed on; `''` for none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** The extensions that were agreed on; `''` for none. */
  get extensions(): string {
    return this.#socket.extensions;
  }

  /** Resolves when the connection is closed, by whichever side. */
  get closed(): Promise<TestClose> {
    return withDeadline(this.#closed, this.#timeoutMs, 'The close of a WebSocket');
  }

  /** Sends a text or binary message. Resolves when it was handed over. */
  send(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(data, (error) => (error instanceof Error ? reject(error) : resolve()));
    });
  }

  sendJson(value: unknown): Promise<void> {
    return this.send(JSON.stringify(value));
  }

  /** Sends bytes as they are, for frames that no client would send. */
  sendRaw(bytes: Uint8Array): void {
    this.#connection.sendRaw(bytes);
  }

  /** Sends a ping; resolves with the pong. */
  async ping(): Promise<void> {
    const pong = once(this.#socket, 'pong');
    this.#socket.ping();
    await withDeadline(pong, this.#timeoutMs, 'A pong');
  }

  /** Resolves when the next ping comes. */
  async pinged(): Promise<void> {
    await withDeadline(once(this.#socket, 'ping'), this.#timeoutMs, 'A ping');
  }

  /** The next message. `PORTICO_TEST_CLOSED` when the connection was closed instead. */
  async receive(): Promise<TestMessage> {
    const message = await this.#messages.take(this.#timeoutMs);
    if (message !== undefined) return message;
    const { code, reason } = await this.closed;
    throw new PorticoError(
      'PORTICO_TEST_CLOSED',
      `A message was waited for, but the WebSocket was closed with ${code} ${JSON.stringify(reason)}.`,
    );
  }

  /** The next message, a text, read as JSON. */
  async receiveJson<T = unknown>(): Promise<T> {
    return JSON.parse(String(await this.receive())) as T;
  }

  /** All messages until the connection is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TestMessage, void, undefined> {
    for (;;) {
      const message = await this.#messages.take(0);
      if (message === undefined) return;
      yield message;
    }
  }

  /** Closes in good order and resolves with what the other side answered. */
  close(code = 1000, reason = ''): Promise<TestClose> {
    this.#socket.close(code, reason);
    return this.closed;
  }

  /** The client vanishes without a word. */
  cut(): void {
    this.#socket.terminate();
  }

  /** Takes nothing from the connection until `resume`; the other side gets to feel it. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}

/** Opens a WebSocket through a client. Anything but 101 rejects with `TestStatusError`. */
export async function openTestWebSocket(
  client: TestClient,
  target: string,
  options: TestWebSocketOptions = {},
): Promise<TestWebSocket> {
  const { WebSocket } = await import('ws');
  const connection = new TestConnection(client, target);
  const url = urlOf(parseTarget(target)).replace(/^http/, 'ws');
  const socket = new WebSocket(url, [...(options.protocols ?? [])], {
    createConnection: () => connection,
    headers: { ...options.headers },
    perMessageDeflate: options.perMessageDeflate ?? true,
    autoPong: options.autoPong ?? true,
    // `createConnection` is that of http.request; the types of ws leave it out.
  } as ConstructorParameters<typeof WebSocket>[2]);
  const opened = new Promise<Error | undefined>((resolve) => {
    socket.once('open', () => resolve(undefined));
    socket.on('error', resolve);
  });
  try {
    const response = await connection.response;
    if (response.status !== 101) throw new TestStatusError('GET', response, '101');
    // Listens before the first message can come: those arrive no earlier than `open`.
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const opening = new TestWebSocket(socket, connection, response, timeoutMs);
    const failure = await opened;
    if (failure === undefined) return opening;
    throw new PorticoError(
      'PORTICO_TEST_HANDSHAKE',
      `The WebSocket handshake with ${url} is not valid: ${messageOf(failure)}`,
      { cause: failure },
    );
  } catch (error) {
    socket.terminate();
    throw error;
  }
}

async function withDeadline<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  if (timeoutMs === 0) return promise;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new PorticoError('PORTICO_TEST_TIMEOUT', `${what} did not come within ${timeoutMs} ms.`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
