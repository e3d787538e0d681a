import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Exchange, ExchangeHandler, RequestListener } from '#host/exchange/exchange.js';
import { ExchangeServer } from '#host/exchange/exchange-server.js';
import type { InstanceAddress } from '#host/front/messages.js';

let count = 0;

/** An instance within the test process: the real end of the exchange protocol, with a handler of the test behind it. */
export class TestInstance {
  readonly address: InstanceAddress;
  readonly #server: ExchangeServer;
  readonly #folder: string;

  private constructor(handler: ExchangeHandler, maxExchanges: number | undefined) {
    this.#folder = mkdtempSync(join(tmpdir(), 'portico-i-'));
    this.address = {
      instance: `test##1/${++count}#1`,
      socketPath: join(this.#folder, 's'),
      secret: 'a1'.repeat(32),
    };
    this.#server = new ExchangeServer({
      socketPath: this.address.socketPath,
      secret: this.address.secret,
      handler,
      ...(maxExchanges === undefined ? {} : { maxExchanges }),
    });
  }

  static async start(handler: ExchangeHandler, maxExchanges?: number): Promise<TestInstance> {
    const instance = new TestInstance(handler, maxExchanges);
    await instance.#server.listen();
    return instance;
  }

  get activeExchanges(): number {
    return this.#server.activeExchanges;
  }

  drain(): void {
    this.#server.drain();
  }

  /** Cuts everything, as the end of a process would. */
  async stop(): Promise<void> {
    await this.#server.close(0);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A listener made of the functions that matter to a test. */
export function listenTo(exchange: Exchange, listener: Partial<RequestListener>): void {
  exchange.listen({
    data: (chunk) => (listener.data === undefined ? exchange.consumed(chunk.length) : listener.data(chunk)),
    end: (trailers) => listener.end?.(trailers),
    drain: () => listener.drain?.(),
    aborted: (reason) => listener.aborted?.(reason),
  });
}

/** Answers the handshake of a WebSocket, and closes when the client does. */
export function acceptWebSocket(exchange: Exchange): void {
  const key = exchange.head.fields.get('sec-websocket-key') ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  listenTo(exchange, { end: () => exchange.end() });
  exchange.begin(101, ['upgrade', 'websocket', 'sec-websocket-accept', accept]);
}
