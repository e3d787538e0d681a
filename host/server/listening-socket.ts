import { type ChildProcess, spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { ConnectorStatus } from '../admin/admin-collaborators.js';
import type { UnixSocketConfig } from '../config/host-config.js';
import { PorticoError } from '../errors.js';
import { listenError } from '../listen-error.js';
import { clearSocketPath, protectSocketFile, socketError } from './unix-socket-file.js';

/**
 * A TCP or Unix socket that listens but accepts nothing in this process. The server owns it and hands it to the fronts, which
 * accept. It outlives them: while no front is there, connections wait in the queue of the system.
 *
 * Node has no public way to bind without accepting. The handle comes from the function that node:cluster uses for
 * the same purpose; `listen(2)` is called in a short-lived process that inherits the descriptor, because in this one
 * it would start to accept. Nothing outside this file knows of that.
 */
export class ListeningSocket {
  readonly connector: string;
  readonly host: string;
  /** The real port, also when 0 was asked for. */
  readonly port: number;
  /** Path of a Unix socket, or what systemd calls it (`systemd:http`); `host` is '' then, `port` 0. */
  readonly path: string | undefined;
  readonly #handle: SocketHandle;

  private constructor(connector: string, address: Address, handle: SocketHandle) {
    this.connector = connector;
    this.host = address.host ?? '';
    this.port = address.port ?? 0;
    this.path = address.path;
    this.#handle = handle;
  }

  /**
   * Takes the address. From then on clients can connect. Rejects with `PORTICO_PORT_IN_USE` and the other codes of
   * `listenError`; with `PORTICO_NODE_UNSUPPORTED` where this version of Node cannot do it.
   */
  static async open(connector: string, host: string, port: number): Promise<ListeningSocket> {
    const fail = (code: string, cause?: unknown): PorticoError =>
      listenError(`Connector ${connector}`, `connectors.${connector}`, host, port, code, { cause });
    const { address, family } = await lookup(host).catch((cause: unknown) => {
      throw fail('ENOTFOUND', cause);
    });
    const handle = createHandle(address, port, family === 6 ? 6 : 4) as SocketHandle | number;
    if (typeof handle === 'number') throw fail(getSystemErrorName(handle));
    try {
      const name: SocketName = {};
      // An occupied address is told here, not by bind (the error is kept back in libuv).
      const status = handle.getsockname?.(name) ?? 0;
      if (status !== 0 || name.port === undefined) throw fail(getSystemErrorName(status));
      // The address may have been bound by another process that does not listen yet; the first to listen has it.
      const refusal = await startListening(handle.fd);
      if (refusal !== undefined) throw fail(refusal);
      return new ListeningSocket(connector, { host, port: name.port }, handle);
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /**
   * Makes the file of a Unix socket, which is removed by `close`. Rejects with `PORTICO_SOCKET_IN_USE` or
   * `PORTICO_SOCKET_UNUSABLE`.
   */
  static async openUnix(connector: string, socket: UnixSocketConfig): Promise<ListeningSocket> {
    const { path } = socket;
    await clearSocketPath(connector, path);
    const handle = createHandle(path, -1, -1) as SocketHandle | number;
    if (typeof handle === 'number') throw socketError(connector, path, getSystemErrorName(handle));
    try {
      // Until it listens nobody can connect, so nobody does with other rights than these.
      protectSocketFile(connector, socket);
      const refusal = await startListening(handle.fd);
      if (refusal !== undefined) throw socketError(connector, path, refusal);
      return new ListeningSocket(connector, { path }, handle);
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /**
   * Takes a socket that listens already, by its descriptor in this process; `name` is what systemd calls it. Throws
   * `PORTICO_SYSTEMD_SOCKET` when it is no such socket.
   */
  static inherit(connector: string, name: string, fd: number): ListeningSocket {
    const handle = createHandle(null, null, null, fd) as SocketHandle | number;
    if (typeof handle === 'number')
      throw new PorticoError(
        'PORTICO_SYSTEMD_SOCKET',
        `Connector ${connector} cannot use the socket ${JSON.stringify(name)} of systemd (descriptor ${fd}): it is no stream ` +
          `socket. Write ListenStream= in the socket unit, and Accept=no (connectors.${connector}.systemd).`,
      );
    const address: SocketName = {};
    const status = handle.getsockname?.(address);
    if (status !== 0 || address.port === undefined)
      return new ListeningSocket(connector, { path: `systemd:${name}` }, handle);
    return new ListeningSocket(connector, { host: address.address ?? '', port: address.port }, handle);
  }

  get status(): ConnectorStatus {
    const { connector: name, host, port, path } = this;
    return { name, host, port, ...(path === undefined ? {} : { socket: path }) };
  }

  /** For people: `http://127.0.0.1:8080/`, `unix:/run/portico/http.sock`. */
  get shown(): string {
    if (this.path !== undefined) return this.path.startsWith('/') ? `unix:${this.path}` : this.path;
    const host = this.host === '0.0.0.0' || this.host === '::' ? '127.0.0.1' : this.host;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.port}/`;
  }

  /** Gives a process its own handle of the socket, as companion of the message. False when the process is gone. */
  sendTo(child: ChildProcess, message: object): Promise<boolean> {
    // `send` takes raw handles, which its type leaves out.
    const handle = this.#handle as unknown as net.Server;
    return new Promise((resolve) => {
      child.send(message, handle, (error) => resolve(error === null));
    });
  }

  /**
   * Gives the address up, and removes the file of a Unix socket. New connections are refused as soon as no front holds the
   * socket any more. Harmless when called twice.
   */
  close(): void {
    this.#handle.close();
  }
}

type Address =
  | { readonly host: string; readonly port: number; readonly path?: undefined }
  | { readonly path: string; readonly host?: undefined; readonly port?: undefined };

/** What is used of Node's TCP and pipe handles; the latter have no `getsockname`. */
interface SocketHandle {
  readonly fd: number;
  getsockname?(name: SocketName): number;
  close(): void;
}

interface SocketName {
  address?: string;
  port?: number;
}

/** For the short-lived process to start, listen and end. */
const LISTEN_DEADLINE_MS = 10_000;

/**
 * The handle, bound to an address (`family` 4 or 6) or to a path (`port` and `family` -1), or that of a descriptor (all
 * others null); else the number of an error.
 */
function createHandle(
  address: string | null,
  port: number | null,
  family: 4 | 6 | -1 | null,
  fd = -1,
): unknown {
  const create: unknown = Reflect.get(net, '_createServerHandle');
  if (typeof create !== 'function') {
    throw new PorticoError(
      'PORTICO_NODE_UNSUPPORTED',
      `Node ${process.version} offers no way to share a listening socket with other processes. Use Node 20, 22 or 24.`,
    );
  }
  return create(address, port, family, fd, 0);
}

/** Resolves with undefined when the descriptor listens now, otherwise with the system's error code. */
function startListening(fd: number): Promise<string | undefined> {
  const program = `
    const server = require('node:net').createServer();
    server.on('error', (error) => { process.stderr.write(error.code); process.exit(1); });
    server.listen({ fd: 3, exclusive: true }, 4096, () => process.exit(0));`;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['-e', program], {
      stdio: ['ignore', 'ignore', 'pipe', fd],
      env: {},
      timeout: LISTEN_DEADLINE_MS,
      killSignal: 'SIGKILL',
    });
    let told = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      told = `${told}${chunk}`.slice(0, 200);
    });
    child.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    child.on('close', (code) => resolve(code === 0 ? undefined : told || 'ETIMEDOUT'));
  });
}
