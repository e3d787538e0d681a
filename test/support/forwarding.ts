import { once } from 'node:events';
import { createServer, Server as HttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server,
  type Socket,
} from 'node:net';
import { type ForwardingLimits, ForwardingProxy } from '#host/runtime/upstream/forwarding-proxy.js';
import { RawClient, type RawResponse } from '#test/support/raw-client.js';

/**
 * Forwarding proxies, each behind an HTTP server of Node's and before an upstream of the test, all on real sockets. No
 * connector cleans the requests here.
 */
export class Forwarding {
  readonly #servers: Server[] = [];
  readonly #proxies: ForwardingProxy[] = [];
  readonly #clients: RawClient[] = [];
  readonly #sockets = new Set<Socket>();

  /** Ends everything. */
  close(): void {
    for (const client of this.#clients) client.destroy();
    for (const proxy of this.#proxies) proxy.close();
    for (const server of this.#servers) {
      server.close();
      if (server instanceof HttpServer) server.closeAllConnections();
    }
    for (const socket of this.#sockets) socket.destroy();
  }

  /** An upstream that is a server of Node's; returns its port. */
  http(listener: RequestListener): Promise<number> {
    return this.listen(createServer(listener));
  }

  /** An upstream that answers each request head with these bytes; the text of what it gets, by connection. */
  async raw(answer: (socket: Socket, head: string) => void): Promise<{ port: number; received: string[] }> {
    const received: string[] = [];
    const server = createNetServer((socket) => {
      const index = received.push('') - 1;
      let begin = 0;
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => {
        const text = received[index] + data.toString('latin1');
        received[index] = text;
        const end = text.indexOf('\r\n\r\n', begin);
        if (end < 0) return;
        const head = text.slice(begin, end + 4);
        begin = end + 4;
        answer(socket, head);
      });
    });
    return { port: await this.listen(server), received };
  }

  /** A proxy to an upstream that answers 200, and what that upstream has read. */
  async recorder(base = ''): Promise<{ port: number; received: string[] }> {
    const { port, received } = await this.raw((socket) => socket.write(OK));
    return { port: await this.to(`http://127.0.0.1:${port}${base}`), received };
  }

  /** A proxy to an upstream that answers with these bytes. */
  async answering(text: string): Promise<number> {
    const { port } = await this.raw((socket) => socket.write(Buffer.from(text, 'latin1')));
    return await this.to(`http://127.0.0.1:${port}`);
  }

  async listen(server: Server): Promise<number> {
    this.#servers.push(server);
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** What the operators of all proxies were told. */
  readonly failures: string[] = [];

  /** A server that forwards to this URL; returns its port. `prepare` sees each request first. */
  async to(
    url: string,
    limits: Partial<ForwardingLimits> = {},
    prepare: (incoming: IncomingMessage) => void = () => undefined,
  ): Promise<number> {
    const proxy = new ForwardingProxy(new URL(url), limits, (reason, isUnreachable) =>
      this.failures.push(isUnreachable ? `unreachable: ${reason}` : reason),
    );
    this.#proxies.push(proxy);
    const server = createServer((incoming, response) => {
      prepare(incoming);
      proxy.web(incoming, response);
    });
    server.on('upgrade', (incoming, socket, head) => proxy.upgrade(incoming, socket, head));
    return await this.listen(server);
  }

  async client(port: number): Promise<RawClient> {
    const client = await RawClient.open(port);
    this.#clients.push(client);
    return client;
  }

  /** One request, as bytes, and its response. */
  async ask(port: number, bytes: string, deadlineMs?: number): Promise<RawResponse> {
    const client = await this.client(port);
    client.send(bytes);
    const response = await client.response(bytes.slice(0, bytes.indexOf(' ')), deadlineMs);
    if (response === undefined) throw new Error('the connection was closed without a response');
    return response;
  }

  /** Like `ask` for a GET with these lines of fields. */
  get(port: number, target = '/', ...fields: readonly string[]): Promise<RawResponse> {
    return this.ask(port, requestText('GET', target, fields));
  }

  /** A connection that only the test writes to. */
  async socket(port: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    await once(socket, 'connect');
    return socket;
  }
}

/** A whole answer. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A request head, and a body that follows it. */
export function requestText(
  method: string,
  target: string,
  fields: readonly string[] = [],
  body = '',
): string {
  return `${[`${method} ${target} HTTP/1.1`, 'Host: shop.test', ...fields].join('\r\n')}\r\n\r\n${body}`;
}

/** A chunked body of one chunk. */
export function chunked(text: string, trailers = ''): string {
  return `${text.length.toString(16)}\r\n${text}\r\n0\r\n${trailers}\r\n`;
}

/** The fields that ask for a WebSocket. */
export const WEB_SOCKET: readonly string[] = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
];
