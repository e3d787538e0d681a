import { open, readdir, readlink } from 'node:fs/promises';
import { descendants } from './command/process-tree.js';

/** A process whose ports are looked for, with all that descend from it. */
export interface PortOwner {
  readonly pid: number;
  /** The one that it was told to listen on; 0: none. */
  readonly ownPort: number;
  /** Called once for each other port. */
  readonly tell: (port: OpenPort) => void;
}

/** A TCP port that somebody listens on. */
export interface OpenPort {
  readonly address: string;
  readonly port: number;
}

/** Between two looks. */
const LOOK_MS = 3000;

/**
 * Tells of TCP ports that applications open past the host. Looks at the listening sockets of the machine, and whose they are only
 * when there is a new one; so it costs little where nothing happens. Works where there is `/proc` (Linux); elsewhere nothing is
 * found. Owned by the supervisor.
 */
export class PortWatch {
  readonly #owners: () => readonly PortOwner[];
  readonly #timer: NodeJS.Timeout;
  /** Sockets that have been looked at, by inode. */
  #known: ReadonlySet<string> = new Set();
  #looking: Promise<void> | undefined;

  constructor(owners: () => readonly PortOwner[]) {
    this.#owners = owners;
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const owners = this.#owners();
    if (owners.length === 0) return;
    const sockets = new Map([...(await listening('tcp')), ...(await listening('tcp6'))]);
    const fresh = new Set([...sockets.keys()].filter((inode) => !this.#known.has(inode)));
    this.#known = new Set(sockets.keys());
    if (fresh.size === 0) return;
    for (const owner of owners) {
      for (const inode of await socketsOf(owner.pid)) {
        const port = sockets.get(inode);
        // Two processes of an application may share it.
        if (port !== undefined && fresh.delete(inode) && port.port !== owner.ownPort) owner.tell(port);
      }
    }
  }
}

/** Descriptors that are open in a process and those that descend from it. */
async function socketsOf(root: number): Promise<string[]> {
  const found: string[] = [];
  for (const pid of descendants(root)) {
    const folder = `/proc/${pid}/fd`;
    for (const name of await readdir(folder).catch(() => [])) {
      const target = await readlink(`${folder}/${name}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined) found.push(inode);
    }
  }
  return found;
}

/** State `TCP_LISTEN`. */
const LISTEN = '0A';

/** Listening sockets by inode. They come first, before the connections, of which there may be very many. */
async function listening(protocol: 'tcp' | 'tcp6'): Promise<Map<string, OpenPort>> {
  const found = new Map<string, OpenPort>();
  const file = await open(`/proc/net/${protocol}`).catch(() => undefined);
  if (file === undefined) return found;
  try {
    let isFirst = true;
    for await (const line of file.readLines()) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (!isFirst && state !== LISTEN) break;
      if (!isFirst) found.set(inode, portOf(local));
      isFirst = false;
    }
  } catch {
    // What was read until then counts.
  } finally {
    await file.close().catch(() => undefined);
  }
  return found;
}

/** `0100007F:1F90`: words in the order of the machine's bytes, which is little-endian wherever Node runs. */
function portOf(local: string): OpenPort {
  const [hex = '', port = ''] = local.split(':');
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse());
  const address =
    bytes.length === 4
      ? bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
      : new URL(`http://[${bytes.join('').match(/.{4}/g)?.join(':') ?? '::'}]`).hostname;
  return { address, port: Number.parseInt(port, 16) };
}
