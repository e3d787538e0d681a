import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import type ProxyServer from 'http-proxy';
import { escapeHtml } from '../plain-answer.js';

/** Times of a forwarding proxy; the defaults are for a server in the same network. */
export interface ForwardingTimes {
  /** For the connection to be made; 504 beyond it. Default 5 s. */
  readonly connectMs: number;
  /** From then to the head of the response; 504 beyond it. Default 60 s. */
  readonly responseMs: number;
  /** Longest pause within a response body; the response is cut beyond it. Default 5 min. */
  readonly idleMs: number;
}

export const DEFAULT_FORWARDING_TIMES: ForwardingTimes = {
  connectMs: 5000,
  responseMs: 60_000,
  idleMs: 300_000,
};

/**
 * Forwards requests to one URL by `http-proxy`; nothing else in Portico knows of that package. It is used for what it
 * does well, copying messages, and is kept away from what it does wrong: each guard below says what would happen
 * without it. What reaches it has been parsed, cleaned and written anew by our connector and by Node, so that its
 * `X-Forwarded-…` fields are ours and its framing is Node's.
 *
 * Not carried: trailers, interim responses.
 */
export class ForwardingProxy {
  readonly #target: URL;
  readonly #base: string;
  readonly #times: ForwardingTimes;
  readonly #proxy: ProxyServer;
  readonly #agent: HttpAgent;
  /** The request to the upstream that belongs to a request of a client, for its deadlines and its retry. */
  readonly #outgoing = new WeakMap<IncomingMessage, ClientRequest>();
  readonly #retried = new WeakSet<IncomingMessage>();

  /** `url` has the scheme http or https; its path is put in front of every path. */
  constructor(url: URL, times: ForwardingTimes) {
    this.#target = url;
    this.#base = url.pathname.replace(/\/+$/, '');
    this.#times = times;
    // Without an agent http-proxy says `connection: close` to both sides. Idle connections end before the five
    // seconds after which a Node server closes them, so a reused one is rarely dead.
    const options = { keepAlive: true, maxSockets: 256, maxFreeSockets: 32, timeout: 4000 };
    this.#agent = url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
    this.#proxy = createProxy();
    this.#proxy.on('proxyReq', (outgoing, incoming, response) => {
      this.#outgoing.set(incoming, outgoing);
      this.#watch(outgoing);
      // http-proxy notices a client that leaves only while it still sends: the upstream would work on for nobody.
      response.on('close', () => outgoing.destroy());
    });
    this.#proxy.on('proxyReqWs', (outgoing, _incoming, socket) => this.#prepareUpgrade(outgoing, socket));
    this.#proxy.on('proxyRes', (reply, _incoming, response) => {
      removeHopByHop(reply.headers);
      reply.setTimeout(this.#times.idleMs, () => reply.destroy());
      // `pipe` does not pass a broken end on: the client would wait for ever.
      reply.on('close', () => {
        if (!reply.complete) response.destroy();
      });
    });
  }

  /** Forwards a request. The response always gets an answer, or is destroyed when one has begun. */
  web(incoming: IncomingMessage, response: ServerResponse): void {
    if (!this.#isExact(incoming)) {
      fail(response, 400, 'The path cannot be forwarded as it is.');
      return;
    }
    cleanRequest(incoming);
    this.#forward(incoming, response);
  }

  /** Forwards a WebSocket. Both sockets end together. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Before anything else: an error of a socket without a listener ends the process.
    socket.on('error', () => socket.destroy());
    const isWebSocket = incoming.headers.upgrade?.toLowerCase() === 'websocket' && incoming.method === 'GET';
    if (!isWebSocket || !this.#isExact(incoming)) {
      refuse(socket, '400 Bad Request');
      return;
    }
    cleanRequest(incoming, true);
    try {
      this.#proxy.ws(incoming, socket, head, this.#options(), (error) => refuse(socket, statusLineOf(error)));
    } catch (thrown) {
      refuse(socket, statusLineOf(thrown));
    }
  }

  /** Ends idle connections; the others end with their requests. */
  close(): void {
    this.#agent.destroy();
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    try {
      this.#proxy.web(incoming, response, this.#options(), (error) => {
        if (this.#mayRetry(incoming, response, error)) this.#forward(incoming, response);
        else fail(response, isTimeout(error) ? 504 : 502, 'The server behind this address does not answer.');
      });
    } catch {
      // What http-proxy throws at once: a message that Node refuses to send.
      fail(response, 502, 'The request cannot be forwarded.');
    }
  }

  /** A kept connection that the upstream had just closed; asking again is safe for GET and HEAD. */
  #mayRetry(incoming: IncomingMessage, response: ServerResponse, error: unknown): boolean {
    const isSafe = incoming.method === 'GET' || incoming.method === 'HEAD';
    if (!isSafe || response.headersSent || response.destroyed || this.#retried.has(incoming)) return false;
    if (codeOf(error) !== 'ECONNRESET' || this.#outgoing.get(incoming)?.reusedSocket !== true) return false;
    this.#retried.add(incoming);
    return true;
  }

  #prepareUpgrade(outgoing: ClientRequest, socket: Duplex): void {
    outgoing.once('socket', () => this.#watch(outgoing));
    socket.once('close', () => outgoing.destroy());
    // http-proxy repeats the head of a refusal, but sends the body without its chunks.
    outgoing.prependListener('response', (reply) => {
      delete reply.headers['transfer-encoding'];
      reply.headers.connection = 'close';
      reply.on('close', () => socket.end());
    });
    outgoing.prependListener('upgrade', (_reply, upstream) => {
      upstream.on('error', () => upstream.destroy());
      upstream.once('close', () => socket.destroy());
      socket.once('close', () => upstream.destroy());
    });
  }

  /** Deadlines of one request; called when it has its socket. http-proxy has none for connecting. */
  #watch(outgoing: ClientRequest): void {
    const { connectMs, responseMs } = this.#times;
    const timeOut = (): void => {
      outgoing.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }));
    };
    let timer = setTimeout(timeOut, responseMs);
    if (outgoing.socket?.connecting === true) {
      clearTimeout(timer);
      timer = setTimeout(timeOut, connectMs);
      outgoing.socket.once('connect', () => {
        clearTimeout(timer);
        timer = setTimeout(timeOut, responseMs);
      });
    }
    for (const event of ['response', 'upgrade', 'close']) outgoing.once(event, () => clearTimeout(timer));
  }

  /** The upstream must see the bytes that were mapped; http-proxy joins paths in a way of its own. */
  #isExact(incoming: IncomingMessage): boolean {
    const [path = '', ...query] = (incoming.url ?? '/').split('?');
    const joined = [this.#base, path]
      .filter((part) => part !== '')
      .join('/')
      .replace(/\/+/g, '/')
      .replace('http:/', 'http://')
      .replace('https:/', 'https://');
    return joined === this.#base + path && !/[\s#\\]/.test(query.join('?'));
  }

  #options(): ProxyServer.ServerOptions {
    const { hostname, port, protocol } = this.#target;
    return {
      // `toProxy`: the target as it is, without the legacy URL parser, which turns `\` into `/`.
      toProxy: true,
      agent: this.#agent,
      target: { protocol, host: hostname.replace(/^\[|\]$/g, ''), port, path: this.#base },
    };
  }
}

function createProxy(): ProxyServer {
  // Loaded when the first upstream is mounted: few hosts have one.
  const load = createRequire(import.meta.url);
  const proxy = (load('http-proxy') as typeof ProxyServer).createProxyServer({});
  // CVE-2026-29057: for DELETE and OPTIONS this pass removes the framing and sends the body all the same, which the
  // upstream reads as a second request.
  const passes = proxy as unknown as { webPasses: { readonly name: string }[] };
  passes.webPasses = passes.webPasses.filter((pass) => pass.name !== 'deleteLength');
  // Every call has its own callback; without a listener an `error` event would throw.
  proxy.on('error', (_error, _incoming, response) => {
    if (response !== undefined && 'destroy' in response) response.destroy();
  });
  return proxy;
}

/** Fields of one connection (RFC 9110 §7.6.1), and those that http-proxy falls over. */
function cleanRequest(incoming: IncomingMessage, isUpgrade = false): void {
  const { headers } = incoming;
  const { connection, upgrade, 'transfer-encoding': coding } = headers;
  removeHopByHop(headers);
  delete headers['proxy-authorization'];
  // With `Expect` http-proxy skips the event our guards hang on. Node has answered it already.
  delete headers.expect;
  if (coding !== undefined) headers['transfer-encoding'] = coding;
  if (!isUpgrade) return;
  if (connection !== undefined) headers.connection = 'Upgrade';
  if (upgrade !== undefined) headers.upgrade = upgrade;
}

/**
 * Removes what belongs to the connection, and what `Connection` names. `Trailer` goes too: the trailers themselves are
 * not carried, and announcing them on a message without a body makes Node throw where nobody can catch it.
 */
function removeHopByHop(headers: IncomingMessage['headers']): void {
  for (const name of headers.connection?.split(',') ?? []) {
    const lower = name.trim().toLowerCase();
    if (lower !== 'content-length' && lower !== 'host' && lower !== 'transfer-encoding')
      delete headers[lower];
  }
  for (const name of HOP_BY_HOP) delete headers[name];
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade'] as const;

function fail(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${status}: ${escapeHtml(reason)}\n`);
}

function refuse(socket: Duplex, statusLine: string): void {
  if (socket.destroyed) return;
  socket.end(`HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function statusLineOf(error: unknown): string {
  return isTimeout(error) ? '504 Gateway Timeout' : '502 Bad Gateway';
}

function isTimeout(error: unknown): boolean {
  return codeOf(error) === 'ETIMEDOUT';
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
