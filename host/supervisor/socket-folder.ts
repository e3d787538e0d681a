import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isProcessAlive } from '../process-alive.js';
import { MAX_SOCKET_PATH_BYTES } from '../unix-socket-path.js';
import { AWAY } from './surroundings/instance-folder.js';

/** `/` and the name of a socket: up to ten characters of a serial number, `.sock`. */
const SOCKET_NAME_BYTES = 16;

/**
 * The private folder (mode 0700) of the exchange sockets of one server. It lies in the run folder; where that makes
 * paths too long for a socket, in the system's folder for temporary files. Owned by the supervisor, which removes it.
 */
export class SocketFolder {
  readonly path: string;
  #serial = 0;

  constructor(runFolder: string) {
    mkdirSync(runFolder, { recursive: true, mode: 0o700 });
    removeLeftovers(runFolder);
    const own = join(runFolder, `${PREFIX}${process.pid}-`);
    // mkdtemp adds six characters.
    const isShort = Buffer.byteLength(own) + 6 + SOCKET_NAME_BYTES <= MAX_SOCKET_PATH_BYTES;
    this.path = mkdtempSync(isShort ? own : join(tmpdir(), `portico-${process.pid}-`));
    chmodSync(this.path, 0o700);
  }

  /** A path no other instance of this server has had. */
  next(): string {
    this.#serial += 1;
    return join(this.path, `${this.#serial.toString(36)}.sock`);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const PREFIX = 'x-';

/** Folders of servers that were killed: their process is gone. */
function removeLeftovers(runFolder: string): void {
  for (const name of readdirSync(runFolder)) {
    const pid = /^x-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isProcessAlive(Number(pid)) && existsSync(join(runFolder, name))) {
      for (const link of readdirSync(join(runFolder, name)))
        if (link.endsWith(AWAY)) removeAway(join(runFolder, name, link));
      rmSync(join(runFolder, name), { recursive: true, force: true });
    }
  }
}

/** The folder of a process that had another user. The link lies in a folder that only the host may write to. */
function removeAway(link: string): void {
  const target = readlinkSync(link);
  if (/^portico-[0-9a-f]{16}$/.test(basename(target))) rmSync(target, { recursive: true, force: true });
}
