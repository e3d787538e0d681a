import { Server as HttpServer } from 'node:http';
import { isIP, Server as NetServer } from 'node:net';

/**
 * Catches the HTTP server of a program that calls `listen()`: no port is opened, yet the program sees what it would
 * have seen. This is the only place that changes something of Node itself, and it changes one function.
 *
 * The rule for ports, as operators read it:
 * - the first `http.Server` or `https.Server` that listens is the application; its port is not opened;
 * - a program that exports its `(req, res)` function is served by that. A server that it starts later is the application
 *   if it has that function as a listener, with its upgrade listeners; any other is a further server;
 * - any further HTTP server, and every server that is not HTTP, listens where it asks to. For a further HTTP server
 *   a warning is printed: it is outside of the container, on the machine's own network;
 * - when the application closes its server and listens again with it, it is the application again.
 */
export class ListenCapture {
  #application: NetServer | undefined;
  /** Exported and put to work before the program itself called `listen` on it, which it still may. */
  #adopted: NetServer | undefined;
  /** What answers until the program starts its own server. */
  #lent: { readonly server: NetServer; readonly exported: unknown } | undefined;
  readonly #onListen: (server: NetServer) => void;

  /** `onListen` is called each time the application's server begins to listen, before its `listening` event. */
  constructor(onListen: (server: NetServer) => void) {
    this.#onListen = onListen;
  }

  /** Starts to watch `listen`, for the life of the process unless the returned function is called. */
  install(): () => void {
    const capture = this;
    const original = NetServer.prototype.listen as (this: NetServer, ...args: unknown[]) => NetServer;
    function listen(this: NetServer, ...args: unknown[]): NetServer {
      return capture.#take(this, args) ? this : original.apply(this, args);
    }
    NetServer.prototype.listen = listen as typeof NetServer.prototype.listen;
    return () => {
      NetServer.prototype.listen = original as typeof NetServer.prototype.listen;
    };
  }

  /** Makes an exported server the application, as if the program had called `listen()` on it. It may still do so. */
  adopt(server: NetServer): void {
    if (this.#take(server, [])) this.#adopted = server;
  }

  /**
   * As `adopt`, for a server made by the agent around `exported`, the function that the program exports: a server that
   * the program starts later takes its place if it serves that function too. When it cannot be known what it would serve
   * (undefined), it does so anyway.
   */
  lend(server: NetServer, exported: unknown): void {
    this.#take(server, []);
    this.#lent = { server, exported };
  }

  #take(server: NetServer, args: readonly unknown[]): boolean {
    if (!isHttpServer(server) || (server.listening && server !== this.#adopted)) return false;
    const request = listenRequest(args);
    if (request === undefined) return false;
    if (this.#application !== undefined && this.#application !== server && !this.#replacesLent(server)) {
      process.emitWarning(
        `A second HTTP server listens on ${request.text}. Only the first one is served by Portico; this one opens its port itself, outside of the container.`,
        { code: 'PORTICO_SECOND_SERVER' },
      );
      return false;
    }
    this.#application = server;
    this.#adopted = this.#lent = undefined;
    if (request.callback !== undefined) server.once('listening', request.callback);
    request.signal?.addEventListener('abort', () => server.close(), { once: true });
    const opened = server as unknown as { _handle: unknown; _pipeName?: string };
    opened._handle = new VirtualHandle(request.address);
    if (request.path !== undefined) opened._pipeName = request.path;
    this.#onListen(server);
    process.nextTick(announce, server);
    return true;
  }

  #replacesLent(server: NetServer): boolean {
    if (this.#lent === undefined || this.#application !== this.#lent.server) return false;
    const { exported } = this.#lent;
    return exported === undefined || server.listeners('request').some((listener) => listener === exported);
  }
}

/**
 * The few functions of a listening handle that `net.Server` calls: with it the server's own `address`, `close`,
 * `listening`, `ref` and `unref` work as they are.
 */
class VirtualHandle {
  readonly getsockname: ((out: Record<string, unknown>) => number) | undefined;

  constructor(address: Readonly<Record<string, unknown>> | undefined) {
    this.getsockname =
      address === undefined
        ? undefined
        : (out) => {
            Object.assign(out, address);
            return 0;
          };
  }

  close(): void {
    // Nothing was opened.
  }

  ref(): void {
    // The exchange socket keeps the process alive.
  }

  unref(): void {
    // As above.
  }
}

function announce(server: NetServer): void {
  if (server.listening) server.emit('listening');
}

/** True for servers of `node:http` and `node:https`, also without loading the latter. */
function isHttpServer(server: NetServer): boolean {
  if (server instanceof HttpServer) return true;
  const secure = server as unknown as { closeIdleConnections?: unknown; headersTimeout?: unknown };
  return (
    server.listenerCount('secureConnection') > 0 &&
    typeof secure.closeIdleConnections === 'function' &&
    secure.headersTimeout !== undefined
  );
}

interface ListenRequest {
  readonly address: Readonly<Record<string, unknown>> | undefined;
  readonly path: string | undefined;
  readonly callback: (() => void) | undefined;
  readonly signal: AbortSignal | undefined;
  readonly text: string;
}

/** The arguments of `listen` in all their forms; undefined when Node itself would throw on them. */
function listenRequest(args: readonly unknown[]): ListenRequest | undefined {
  const last = args.at(-1);
  const callback = typeof last === 'function' ? (last as () => void) : undefined;
  const first = args[0];
  const options =
    typeof first === 'object' && first !== null ? (first as Record<string, unknown>) : undefined;
  const signal = options?.['signal'] instanceof AbortSignal ? options['signal'] : undefined;
  const path = options === undefined ? pathOf(first) : pathOf(options['path']);
  if (path !== undefined) return { address: undefined, path, callback, signal, text: path };
  const port = portOf(options === undefined ? first : options['port']);
  if (port === undefined) return undefined;
  const named = options === undefined ? args[1] : options['host'];
  const host = typeof named === 'string' && named !== '' ? named : '::';
  const address = isIP(host) > 0 ? host : '127.0.0.1';
  return {
    address: { address, family: isIP(address) === 6 ? 'IPv6' : 'IPv4', port },
    path: undefined,
    callback,
    signal,
    text: `${host}:${port}`,
  };
}

function pathOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && Number.isNaN(Number(value)) ? value : undefined;
}

/** The port as it will be reported. 0 asks for any, so one is made up; a wrong one is left for Node to refuse. */
function portOf(value: unknown): number | undefined {
  if (value === undefined || value === null || typeof value === 'function') return ANY_PORT;
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return undefined;
  return port === 0 ? ANY_PORT : port;
}

const ANY_PORT = 49_152 + (process.pid % 16_000);
