import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Exchange } from '#host/exchange/exchange.js';
import type { FieldBlock } from '#host/http/field-block.js';
import { TestServer } from '#test/support/connector-server.js';
import { WAIT_MS } from '#test/support/polling.js';

/** One request as a server understood it. */
export interface Understood {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly string[];
  body: string;
  trailers: readonly string[];
  isComplete: boolean;
}

/** What came of the bytes of one connection. */
export interface Conversation {
  readonly requests: readonly Understood[];
  /** The server found something wrong. */
  readonly isRefused: boolean;
}

/** A server that writes down, for each connection, what it understood. */
export interface Recorder {
  /** Sends bytes and FIN on a connection of its own, and waits until the server has closed. */
  hear(bytes: Buffer): Promise<Conversation>;
  stop(): Promise<void>;
}

/** Our connector. The target is the canonical path with the query. */
export async function recordConnector(): Promise<Recorder> {
  const heard = new Map<number, Understood[]>();
  const server = await TestServer.start((exchange) => {
    const { head } = exchange;
    const one = listed(heard, head.connection.remotePort, {
      method: head.method,
      target: head.query === undefined ? head.path : `${head.path}?${head.query}`,
      version: head.version,
      fields: head.fields.flat(),
    });
    answer(exchange, one);
  });
  return {
    hear: (bytes) => conversation(server.port, bytes, heard, server.refusedPorts),
    stop: () => server.stop(),
  };
}

/** Bare `node:http` in its strict mode. The target is as it was sent. */
export async function recordNode(): Promise<Recorder> {
  const heard = new Map<number, Understood[]>();
  const refused = new Set<number>();
  const server: Server = createServer({ insecureHTTPParser: false }, (request, response) => {
    const { method = '', url: target = '', httpVersion: version, rawHeaders: fields } = request;
    const one = listed(heard, request.socket.remotePort ?? 0, { method, target, version, fields });
    read(request, one);
    // Not before the body: an answer that overtakes it would end the connection in another way.
    request.on('end', () => response.end('x'));
  });
  server.on('clientError', (_error: Error, socket: Socket) => {
    refused.add(socket.remotePort ?? 0);
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: at } = server.address() as AddressInfo;
  return {
    hear: (bytes) => conversation(at, bytes, heard, refused),
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Has the conversation and takes what was noted of it. */
async function conversation(
  to: number,
  bytes: Buffer,
  heard: Map<number, Understood[]>,
  refused: Set<number>,
): Promise<Conversation> {
  const port = await converse(to, bytes);
  const requests = heard.get(port) ?? [];
  const isRefused = refused.has(port);
  heard.delete(port);
  refused.delete(port);
  return { requests, isRefused };
}

function listed(
  heard: Map<number, Understood[]>,
  port: number,
  head: Pick<Understood, 'method' | 'target' | 'version' | 'fields'>,
): Understood {
  const one = { ...head, body: '', trailers: [], isComplete: false };
  heard.set(port, [...(heard.get(port) ?? []), one]);
  return one;
}

function answer(exchange: Exchange, one: Understood): void {
  const end = (trailers?: FieldBlock): void => {
    one.isComplete = true;
    one.trailers = trailers?.flat() ?? [];
    exchange.respond(200, [], 'x');
  };
  if (exchange.head.upgrade !== undefined) {
    end();
    return;
  }
  exchange.listen({
    data(chunk) {
      one.body += chunk.toString('latin1');
      exchange.consumed(chunk.length);
    },
    end,
    drain: () => undefined,
    aborted: () => undefined,
  });
  if (exchange.head.expectsContinue) exchange.interim(100, []);
}

function read(request: IncomingMessage, one: Understood): void {
  request.setEncoding('latin1');
  request.on('error', () => undefined);
  request.on('data', (text: string) => {
    one.body += text;
  });
  request.on('end', () => {
    one.isComplete = true;
    one.trailers = request.rawTrailers;
  });
}

/** Gives the local port of the connection, by which the server knows it. */
async function converse(to: number, bytes: Buffer): Promise<number> {
  const socket = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
  try {
    await once(socket, 'connect');
    const port = socket.localPort ?? 0;
    socket.resume();
    // Some servers reset.
    socket.on('error', () => socket.destroy());
    socket.end(bytes);
    if (!socket.closed && !socket.readableEnded) {
      const signal = AbortSignal.timeout(WAIT_MS);
      await Promise.race([once(socket, 'end', { signal }), once(socket, 'close', { signal })]);
    }
    return port;
  } finally {
    socket.destroy();
  }
}
