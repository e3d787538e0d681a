import { type ChildProcess, spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import { getSystemErrorName } from 'node:util';
import { PorticoError } from '../errors.js';
import { listenError } from '../listen-error.js';

/**
 * A TCP socket that listens but accepts nothing in this process. The server owns it and hands it to the fronts, which
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
  readonly #handle: SocketHandle;

  private constructor(connector: string, host: string, port: number, handle: SocketHandle) {
    this.connector = connector;
    this.host = host;
    this.port = port;
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
    const handle = bind(address, port, family === 6 ? 6 : 4);
    if (typeof handle === 'number') throw fail(getSystemErrorName(handle));
    try {
      const name: SocketName = {};
      // An occupied address is told here, not by bind (the error is kept back in libuv).
      const status = handle.getsockname(name);
      if (status !== 0 || name.port === undefined) throw fail(getSystemErrorName(status));
      // The address may have been bound by another process that does not listen yet; the first to listen has it.
      const refusal = await startListening(handle.fd);
      if (refusal !== undefined) throw fail(refusal);
      return new ListeningSocket(connector, host, name.port, handle);
    } catch (error) {
      handle.close();
      throw error;
    }
  }

  /** Gives a process its own handle of the socket, as companion of the message. False when the process is gone. */
  sendTo(child: ChildProcess, message: object): Promise<boolean> {
    // `send` takes raw TCP handles, which its type leaves out.
    const handle = this.#handle as unknown as net.Server;
    return new Promise((resolve) => {
      child.send(message, handle, (error) => resolve(error === null));
    });
  }

  /** Gives the address up. New connections are refused as soon as no front holds the socket any more. */
  close(): void {
    this.#handle.close();
  }
}

/** What is used of Node's TCP handle. */
interface SocketHandle {
  readonly fd: number;
  getsockname(name: SocketName): number;
  close(): void;
}

interface SocketName {
  address?: string;
  port?: number;
}

/** For the short-lived process to start, listen and end. */
const LISTEN_DEADLINE_MS = 10_000;

function bind(address: string, port: number, family: 4 | 6): SocketHandle | number {
  const create: unknown = Reflect.get(net, '_createServerHandle');
  if (typeof create !== 'function') {
    throw new PorticoError(
      'PORTICO_NODE_UNSUPPORTED',
      `Node ${process.version} offers no way to share a listening socket with other processes. Use Node 20, 22 or 24.`,
    );
  }
  return create(address, port, family, -1, 0) as SocketHandle | number;
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
