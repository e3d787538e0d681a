import { PorticoError } from '../../errors.js';

/** First descriptor that systemd passes; the others follow. */
const FIRST = 3;
const MAX_SOCKETS = 1024;

/**
 * The listening sockets that systemd has opened and passed to this process (`sd_listen_fds(3)`). Each can be taken once.
 * Node has marked the descriptors so that no child inherits them.
 */
export class InheritedSockets {
  readonly #free: { readonly name: string; readonly fd: number }[];
  readonly #names: readonly string[];

  private constructor(names: readonly string[]) {
    this.#names = names;
    this.#free = names.map((name, index) => ({ name, fd: FIRST + index }));
  }

  /**
   * Reads `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES`, and removes them: they are meant for this process alone. Sockets
   * of another process, one that has started this one, are none.
   */
  static takeFrom(env: NodeJS.ProcessEnv, pid: number): InheritedSockets {
    const { LISTEN_FDS: count = '', LISTEN_PID: owner, LISTEN_FDNAMES: names } = env;
    for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) delete env[name];
    if (owner !== String(pid) || !/^[1-9]\d{0,3}$/.test(count) || Number(count) > MAX_SOCKETS)
      return new InheritedSockets([]);
    const given = names === undefined ? [] : names.split(':');
    return new InheritedSockets(
      Array.from({ length: Number(count) }, (_, index) => given[index] ?? 'unknown'),
    );
  }

  /** Names of all, taken or not, as systemd has given them. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Names of those that nobody has taken. */
  get unused(): readonly string[] {
    return this.#free.map(({ name }) => name);
  }

  /** The descriptor of the next socket of this name. Throws `PORTICO_SYSTEMD_SOCKET` when there is none left. */
  take(connector: string, name: string): number {
    const index = this.#free.findIndex((socket) => socket.name === name);
    const [found] = index < 0 ? [] : this.#free.splice(index, 1);
    if (found !== undefined) return found.fd;
    const given =
      this.#names.length === 0 ? 'systemd has passed none' : `systemd has passed ${this.#names.join(', ')}`;
    throw new PorticoError(
      'PORTICO_SYSTEMD_SOCKET',
      `Connector ${connector} wants a socket that systemd calls ${JSON.stringify(name)}, but ${given}. Start the host by its ` +
        `socket unit, and write that name there as FileDescriptorName= (connectors.${connector}.systemd).`,
    );
  }
}
