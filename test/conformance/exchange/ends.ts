import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AbortReason, type Exchange, type RequestHead } from '#host/exchange/exchange.js';
import { ExchangeClient } from '#host/exchange/exchange-client.js';
import { ExchangeServer } from '#host/exchange/exchange-server.js';
import { FieldBlock } from '#host/http/field-block.js';
import { until, WAIT_MS } from '#test/support/polling.js';
import {
  frame,
  type RawHello,
  RawListener,
  RawPeer,
  requestPayload,
  responsePayload,
  Type,
} from './raw-peer.js';
import { Recorder } from './recorder.js';

/**
 * Both ends behind one face, so that one suite can run against either: a real end with a raw peer opposite.
 */
export interface EndUnderTest {
  readonly name: string;
  /** What an exchange is told when the peer has gone. */
  readonly lostReason: number;
  start(options?: { readonly timeoutMs?: number; readonly windowBytes?: number }): Promise<Session>;
}

export interface Session {
  readonly peer: RawPeer;
  /** The handshake, as a correct peer does it. */
  shake(hello?: RawHello): Promise<void>;
  /** Shakes hands with something wrong in the peer's part. */
  shakeBadly(hello: RawHello, secret?: string): Promise<void>;
  /** An exchange with both directions open, heads exchanged. */
  open(): Promise<OpenExchange>;
  /** Resolves with the reason the real end gives for the end of the connection; '' where it tells nobody. */
  ended(): Promise<string>;
  activeExchanges(): number;
  /** The real end still serves: a new connection shakes hands. */
  isAlive(): Promise<boolean>;
  stop(): Promise<void>;
}

/** The real end's side of an exchange: the calls that both ends have in common. */
export interface OpenExchange {
  readonly id: number;
  readonly generation: number;
  readonly seen: Recorder;
  write(chunk: Uint8Array): boolean;
  end(trailers?: string[]): void;
  consumed(bytes: number): void;
  abort(reason: AbortReason): void;
}

export const SECRET = 'a secret of forty characters, not a word';

export function temporarySocket(): { path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'px-'));
  return { path: join(folder, 's'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export function headOf(changes: Partial<RequestHead> = {}): RequestHead {
  return {
    method: 'GET',
    path: '/',
    query: undefined,
    version: '1.1',
    fields: FieldBlock.of(['Host', 'a.example']),
    authority: 'a.example',
    bodyLength: 0,
    upgrade: undefined,
    expectsContinue: false,
    connection: {
      remoteAddress: '192.0.2.7',
      remotePort: 50000,
      localAddress: '127.0.0.1',
      localPort: 8080,
      isSecure: false,
    },
    ...changes,
  };
}

const instanceEnd: EndUnderTest = {
  name: 'instance',
  lostReason: AbortReason.CANCELLED,
  async start(options = {}) {
    const socket = temporarySocket();
    const arrived: { exchange: Exchange; seen: Recorder }[] = [];
    const server = new ExchangeServer({
      socketPath: socket.path,
      secret: SECRET,
      handshakeTimeoutMs: options.timeoutMs ?? WAIT_MS,
      ...(options.windowBytes === undefined ? {} : { windowBytes: options.windowBytes }),
      handler(exchange) {
        const seen = new Recorder();
        exchange.listen(seen);
        arrived.push({ exchange, seen });
        exchange.begin(200, []);
      },
    });
    await server.listen();
    const peer = await RawPeer.connect(socket.path);
    const generations = new Map<number, number>();
    let nextId = 0;
    const freed: number[] = [];
    return {
      peer,
      shake: (hello) => peer.shakeAsFront(SECRET, hello),
      // A wrong version or magic is answered by ERROR, which the test takes from the peer.
      shakeBadly: (hello, secret = SECRET) => peer.shakeAsFront(secret, hello).catch(() => undefined),
      async open() {
        const id = freed.pop() ?? nextId++;
        const generation = ((generations.get(id) ?? -1) + 1) & 0xff;
        generations.set(id, generation);
        peer.send(frame(Type.REQUEST, 0, generation, id, requestPayload({ method: 'POST', bits: 16 })));
        await until('the exchange', () => arrived.length > 0);
        const { exchange, seen } = arrived.shift() as { exchange: Exchange; seen: Recorder };
        await peer.next(Type.RESPONSE);
        return {
          id,
          generation,
          seen,
          write: (chunk) => exchange.write(chunk),
          end: (trailers) => exchange.end(trailers),
          consumed: (bytes) => exchange.consumed(bytes),
          abort: (reason) => exchange.abort(reason),
        };
      },
      async ended() {
        await peer.closed();
        return '';
      },
      activeExchanges: () => server.activeExchanges,
      async isAlive() {
        const other = await RawPeer.connect(socket.path);
        try {
          await other.shakeAsFront(SECRET);
          other.send(frame(Type.PING, 0, 0, 0, Buffer.alloc(8, 7)));
          return (await other.next()).type === Type.PONG;
        } finally {
          other.destroy();
        }
      },
      async stop() {
        peer.destroy();
        await server.close(0);
        socket.remove();
      },
    };
  },
};

const frontEnd: EndUnderTest = {
  name: 'front',
  lostReason: AbortReason.INSTANCE_GONE,
  async start(options = {}) {
    const socket = temporarySocket();
    const listener = new RawListener();
    await listener.listen(socket.path);
    const reasons: string[] = [];
    const connect = (connectTimeoutMs: number) =>
      ExchangeClient.connect({
        socketPath: socket.path,
        secret: SECRET,
        connectTimeoutMs,
        ...(options.windowBytes === undefined ? {} : { windowBytes: options.windowBytes }),
        onClosed: (reason) => reasons.push(reason),
      });
    let client: ExchangeClient | undefined;
    connect(options.timeoutMs ?? WAIT_MS).then(
      (connected) => {
        client = connected;
      },
      (error: Error) => reasons.push(error.message),
    );
    const peer = await listener.nextPeer();
    return {
      peer,
      async shake(hello) {
        await peer.shakeAsInstance(SECRET, hello);
        await until('connect', () => client !== undefined);
      },
      // A wrong version or magic is answered by ERROR, which the test takes from the peer.
      shakeBadly: (hello, secret = SECRET) => peer.shakeAsInstance(secret, hello).catch(() => undefined),
      async open() {
        const seen = new Recorder();
        const exchange = (client as ExchangeClient).open(
          headOf({ method: 'POST', bodyLength: -1 }),
          '/',
          seen,
        );
        const { id, generation } = await peer.next(Type.REQUEST);
        peer.send(frame(Type.RESPONSE, 0, generation, id, responsePayload(200, [])));
        await seen.until('response');
        return {
          id,
          generation,
          seen,
          write: (chunk) => exchange.write(chunk),
          end: (trailers) => exchange.end(trailers),
          consumed: (bytes) => exchange.consumed(bytes),
          abort: (reason) => exchange.abort(reason),
        };
      },
      async ended() {
        await until('the reason', () => reasons.length > 0);
        return reasons[0] as string;
      },
      activeExchanges: () => (client as ExchangeClient).activeExchanges,
      async isAlive() {
        const again = connect(WAIT_MS);
        const other = await listener.nextPeer();
        await other.shakeAsInstance(SECRET);
        const second = await again;
        const rtt = second.ping(WAIT_MS);
        const { payload } = await other.next(Type.PING);
        other.send(frame(Type.PONG, 0, 0, 0, payload));
        const isAnswered = (await rtt) >= 0;
        second.close();
        await other.closed();
        return isAnswered;
      },
      async stop() {
        client?.close();
        peer.destroy();
        await listener.close();
        socket.remove();
      },
    };
  },
};

export const bothEnds: readonly EndUnderTest[] = [instanceEnd, frontEnd];
export { frontEnd, instanceEnd };
