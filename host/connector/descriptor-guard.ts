import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

/** Who can close connections that wait for a request. */
export interface IdleConnections {
  /** Closes up to `most` of them, those open longest first; says how many. */
  shedIdle(most: number): number;
}

/**
 * Keeps a process from running out of file descriptors by its own connections. Where none is left, the system takes each
 * new connection and drops it, and nobody hears of it; files, logs and the connections to instances fail as well. So a
 * part of the descriptors is kept for those: a connection that comes when only the reserve is left makes room by closing
 * idle ones, and is refused when none is idle.
 *
 * A system gives out the lowest free descriptor. So the one of a new connection tells how many are in use, whoever uses
 * them, and looking costs nothing. One for all connectors of a process, owned by the front, or by the engine of an
 * application on its own.
 */
export class DescriptorGuard {
  private readonly limit: number;
  private readonly first: number;
  private readonly onScarce: (message: string) => void;
  private readonly owners: IdleConnections[] = [];
  private scarceAt = Number.NEGATIVE_INFINITY;

  /** `limit`: descriptors of the process. `onScarce` is told once when they run low, and again after a quiet time. */
  constructor(limit: number, onScarce: (message: string) => void) {
    this.limit = limit;
    this.first = limit - reserveOf(limit);
    this.onScarce = onScarce;
  }

  /** With the limit of this process; undefined where it cannot be read, or there is none. */
  static ofProcess(onScarce: (message: string) => void): DescriptorGuard | undefined {
    const limit = descriptorLimit();
    return limit === undefined ? undefined : new DescriptorGuard(limit, onScarce);
  }

  add(owner: IdleConnections): void {
    this.owners.push(owner);
  }

  /** It has no idle connections any more. */
  remove(owner: IdleConnections): void {
    const at = this.owners.indexOf(owner);
    if (at >= 0) this.owners.splice(at, 1);
  }

  /** True when a connection just accepted may be served. */
  admits(socket: Socket): boolean {
    const descriptor = (socket as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd;
    if (descriptor === undefined || descriptor < this.first) return true;
    const now = performance.now();
    if (now - this.scarceAt > QUIET_MS)
      this.onScarce(
        `${descriptor} of ${this.limit} file descriptors are in use: idle connections are closed for new ones, ` +
          'which are refused when none is idle. Raise `ulimit -n`, or lower `maxConnections`.',
      );
    this.scarceAt = now;
    let shed = 0;
    for (const owner of this.owners) shed += owner.shedIdle(SHED_AT_ONCE - shed);
    return shed > 0;
  }
}

/** Without this, each further connection would look for another idle one. */
const SHED_AT_ONCE = 8;
/** So long without a shortage, and the next one is told again. */
const QUIET_MS = 60_000;

/** Descriptors for all that is no connection of a client. */
function reserveOf(limit: number): number {
  return Math.max(32, Math.min(512, Math.floor(limit / 8)));
}

/** Linux tells it in a file; Node has no call for it. */
function descriptorLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    // No such file on this system.
    return undefined;
  }
}
