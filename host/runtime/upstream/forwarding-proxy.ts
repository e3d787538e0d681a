import {
  type AgentOptions,
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type ProxyServer from 'http-proxy';
import { messageOf } from '../../errors.js';
import { cleanRequest, removeHopByHop } from './forwarded-fields.js';
import { ForwardedRequest, type ForwardingTimes, NO_ANSWER } from './forwarded-request.js';
import { OutgoingDeadline } from './outgoing-deadline.js';

/** Limits of a forwarding proxy; the defaults are for a server in the same network. */
export interface ForwardingLimits extends ForwardingTimes {
  /** Until there is a connection, a free one or a new one; 504 beyond it. Default 5 s. */
  readonly connectMs: number;
  /**
   * From then, or from the last part of the request body, to the head of the response; 504 beyond it. 0: never. Default
   * 60 s.
   */
  readonly responseMs: number;
  /** Longest pause within a response body; the response is cut beyond it. Default 5 min. */
  readonly idleMs: number;
  /** Requests at one time, tunnels not counted; more wait for `connectMs` at most. Default 1024. */
  readonly maxConnections: number;
  /** How long a connection is kept for the next request. Default 4 s, below the 5 s of a Node server. */
  readonly keepAliveMs: number;
}

const DEFAULT_FORWARDING_LIMITS: ForwardingLimits = {
  connectMs: 5000,
  responseMs: 60_000,
  idleMs: 300_000,
  maxConnections: 1024,
  keepAliveMs: 4000,
};

/**
 * Forwards requests to one URL by `http-proxy`; nothing else in Portico knows of that package. It is used for what it
 * does well, copying messages, and is kept away from what it does wrong: each guard, here and in
 * `forwarded-request.ts`, says what would happen without it, and has a test that fails without it. Owned by the
 * runtime of the upstream.
 *
 * What reaches it has been parsed, cleaned and written anew by our connector and by Node: its `X-Forwarded-…` fields
 * are ours, its framing is Node's, its version is HTTP/1.
 *
 * Not carried: interim responses but 103; the `Trailer` field (the trailers are); the reason phrase; the announcement of
 * another protocol (`Upgrade`) but WebSocket. A refusal of a WebSocket whose chunked body breaks off looks complete.
 * Tunnels have no idle deadline, like those of a process: TCP keep-alive finds a dead peer.
 */
export class ForwardingProxy {
  readonly #way: ProxyServer.ServerOptions;
  readonly #base: string;
  readonly #limits: ForwardingLimits;
  readonly #onFailure: (reason: string, isUnreachable: boolean) => void;
  readonly #onUnanswered = (reason: string): void => this.#onFailure(reason, false);
  readonly #proxy: ProxyServer;
  readonly #agent: HttpAgent;
  /** For what needs a connection that is not dead: a tunnel, which cannot be asked for twice, and a second attempt. */
  readonly #freshAgent: HttpAgent;
  /** Sockets of clients that asked for a tunnel and have the beginning of an answer. */
  readonly #answered = new WeakSet<Duplex>();

  /**
   * `url` has the scheme http or https, and its path is put in front of every path; or it is `unix:` with the path of a Unix
   * socket, percent-encoded. `onFailure` is told, for the operator, of each request and tunnel that the upstream did not
   * answer, or not to the end; `isUnreachable`: there was no connection.
   */
  constructor(
    url: URL,
    limits: Partial<ForwardingLimits> = {},
    onFailure: (reason: string, isUnreachable: boolean) => void = () => undefined,
  ) {
    this.#onFailure = onFailure;
    this.#limits = { ...DEFAULT_FORWARDING_LIMITS, ...limits };
    const isSocket = url.protocol === 'unix:';
    this.#base = isSocket ? '' : url.pathname.replace(/\/+$/, '');
    const protocol = isSocket ? 'http:' : url.protocol;
    const { port } = url;
    const host = isSocket ? 'localhost' : url.hostname.replace(/^\[|\]$/g, '');
    const address = isSocket ? { host, port, socketPath: decodeURIComponent(url.pathname) } : { host, port };
    // `toProxy`: no legacy URL parser, of which newer versions of Node warn (DEP0169).
    this.#way = { target: { protocol, ...address }, toProxy: true };
    // Without an agent http-proxy says `connection: close` to both sides.
    this.#agent = agentFor(protocol, host, {
      keepAlive: true,
      maxSockets: this.#limits.maxConnections,
      maxFreeSockets: 32,
      timeout: this.#limits.keepAliveMs,
    });
    this.#freshAgent = agentFor(protocol, host, {});
    this.#proxy = createProxy();
    this.#proxy.on('proxyReqWs', (outgoing, incoming, socket) =>
      this.#prepareUpgrade(outgoing, incoming, socket),
    );
  }

  /**
   * Forwards a request. The response always gets an answer, or is destroyed when one has begun; unless `unreachable`, which
   * is called when there is no connection to the upstream, says that somebody else answers. It is told whether nothing of
   * a body is lost yet.
   */
  web(
    incoming: IncomingMessage,
    response: ServerResponse,
    unreachable: (mayAskElsewhere: boolean) => boolean = () => false,
  ): void {
    const request = new ForwardedRequest(
      incoming,
      response,
      this.#pathOf(incoming),
      this.#limits,
      this.#onUnanswered,
    );
    if (!isSendable(incoming)) {
      request.fail(400, 'The path cannot be forwarded.');
      return;
    }
    cleanRequest(incoming, false);
    this.#forward(request, incoming, response, this.#agent, unreachable);
  }

  /** Forwards a WebSocket; other protocols are refused. Both sockets end together. `unreachable` is told as for `web`. */
  upgrade(
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    unreachable: () => void = () => undefined,
  ): void {
    // Before anything else: an error of a socket without a listener ends the process.
    socket.on('error', () => socket.destroy());
    const isWebSocket = incoming.headers.upgrade?.toLowerCase() === 'websocket' && incoming.method === 'GET';
    if (!isWebSocket || !isSendable(incoming)) {
      this.#refuse(socket, '400 Bad Request');
      return;
    }
    cleanRequest(incoming, true);
    const options = { agent: this.#freshAgent, ...this.#way };
    try {
      this.#proxy.ws(incoming, socket, head, options, (error) => {
        if (isUnreachable(error)) unreachable();
        this.#refuse(socket, '502 Bad Gateway', error);
      });
    } catch (error) {
      this.#refuse(socket, '502 Bad Gateway', error);
    }
  }

  /** Ends idle connections; the others end with their requests. */
  close(): void {
    this.#agent.destroy();
  }

  #forward(
    request: ForwardedRequest,
    incoming: IncomingMessage,
    response: ServerResponse,
    agent: HttpAgent,
    unreachable: (mayAskElsewhere: boolean) => boolean,
  ): void {
    const options = { agent, ...this.#way, buffer: request };
    try {
      this.#proxy.web(incoming, response, options, (error) => {
        if (request.mayRetry(error)) {
          this.#forward(request, incoming, response, this.#freshAgent, unreachable);
          return;
        }
        if (!request.isSettled) this.#onFailure(messageOf(error), isUnreachable(error));
        if (!isUnreachable(error) || !unreachable(request.mayStartAnew)) request.fail(502, NO_ANSWER);
      });
    } catch (error) {
      // What http-proxy throws at once: a message that Node refuses to send.
      request.fail(502, 'The request cannot be forwarded.', messageOf(error));
    }
  }

  #prepareUpgrade(outgoing: ClientRequest, incoming: IncomingMessage, socket: Duplex): void {
    outgoing.path = this.#pathOf(incoming);
    new OutgoingDeadline(outgoing, this.#limits, (reason) => {
      this.#refuse(socket, '504 Gateway Timeout', reason);
      outgoing.destroy();
    });
    socket.once('close', () => outgoing.destroy());
    // http-proxy repeats the head of a refusal, but sends the body without its chunks.
    outgoing.prependListener('response', (reply) => {
      this.#answered.add(socket);
      removeHopByHop(reply.headers);
      reply.statusMessage = '';
      delete reply.headers['transfer-encoding'];
      reply.headers.connection = 'close';
      reply.setTimeout(this.#limits.idleMs, () => reply.destroy());
      reply.once('close', () => socket.end());
    });
    outgoing.prependListener('upgrade', (_reply, upstream) => {
      this.#answered.add(socket);
      upstream.once('close', () => socket.destroy());
      socket.once('close', () => upstream.destroy());
    });
  }

  /** Answers in place of the upstream, unless an answer has begun: the client would read ours as a part of it. */
  #refuse(socket: Duplex, statusLine: string, cause?: unknown): void {
    if (this.#answered.has(socket) || socket.destroyed) return;
    if (cause !== undefined) this.#onFailure(messageOf(cause), isUnreachable(cause));
    this.#answered.add(socket);
    socket.end(`HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  #pathOf(incoming: IncomingMessage): string {
    return this.#base + (incoming.url ?? '/');
  }
}

/** There is no connection, so nothing was sent. */
function isUnreachable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  // A name with several addresses, all of which were tried.
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.every(isUnreachable);
  const syscall = 'syscall' in error ? error.syscall : undefined;
  return syscall === 'connect' || syscall === 'getaddrinfo';
}

function agentFor(protocol: string, host: string, options: AgentOptions): HttpAgent {
  if (protocol !== 'https:') return new HttpAgent(options);
  // The certificate is that of the upstream. Node would ask for one of the Host field, which is the client's.
  return new HttpsAgent({ ...options, servername: isIP(host) === 0 ? host : '' });
}

function createProxy(): ProxyServer {
  const proxy = loadHttpProxy().createProxyServer({});
  // CVE-2026-29057: for DELETE and OPTIONS this pass removes the framing and sends the body all the same, which the
  // upstream reads as a second request.
  const passes = proxy as unknown as { webPasses: { readonly name: string }[] };
  passes.webPasses = passes.webPasses.filter((pass) => pass.name !== 'deleteLength');
  return proxy;
}

/**
 * Loads http-proxy when the first upstream is mounted: few hosts have one. It copies objects by `util._extend`, at whose
 * first call Node 22 prints a warning (DEP0060), so it gets what Node recommends in its place.
 */
function loadHttpProxy(): typeof ProxyServer {
  const load = createRequire(import.meta.url);
  const util = load('node:util') as { _extend: unknown };
  const extend = util._extend;
  util._extend = Object.assign;
  try {
    return load('http-proxy') as typeof ProxyServer;
  } finally {
    util._extend = extend;
  }
}

/** A path, of characters that can stand in a request line (RFC 9112 §3.2.1). */
function isSendable({ url = '/' }: IncomingMessage): boolean {
  return /^\/[\x21-\x7e\x80-\xff]*$/.test(url);
}
