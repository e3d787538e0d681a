import { readdir, readFile } from 'node:fs/promises';
import { isProcessAlive } from '../process-alive.js';

/** A process may spawn another one while it is looked for; the second round finds that. */
const MAX_ROUNDS = 3;

/**
 * Ends what instances have spawned and left behind: killing the group of an instance does not reach a child that made
 * a session of its own, and nothing at all reaches an instance whose server was killed while it was blocked. They are
 * known by a mark in their environment. Works where `/proc` tells the environment of a process (Linux); elsewhere
 * nothing is found. A program that is to outlive its application drops the variable.
 *
 * Owned by the supervisor. Instances that end at the same time share one look at the processes.
 */
export class StrayProcesses {
  #wanted: ((mark: string) => boolean)[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  /** Ends every process whose mark is wanted. Resolves when none is found any more; never rejects. */
  end(isWanted: (mark: string) => boolean): Promise<void> {
    this.#wanted.push(isWanted);
    this.#next ??= this.#last.then(() => {
      const wanted = this.#wanted;
      this.#wanted = [];
      this.#next = undefined;
      this.#last = endMarked((mark) => wanted.some((wants) => wants(mark))).then(() => undefined);
      return this.#last;
    });
    return this.#next;
  }
}

/** The mark of one instance of this server: `PORTICO_INSTANCE` of it and of all it spawns, in whatever session. */
export function markOf(runFolder: string, socketPath: string): string {
  return `${runFolder}#${process.pid}#${socketPath}`;
}

/** True for marks of servers on this run folder that are no more. */
export function isLeftover(runFolder: string, mark: string): boolean {
  const pid = mark.startsWith(`${runFolder}#`) && /^(\d+)#/.exec(mark.slice(runFolder.length + 1))?.[1];
  return typeof pid === 'string' && !isProcessAlive(Number(pid));
}

/** The mark of a front of this server. Not that of an instance: a front whose server has gone may finish what it has. */
export function frontMarkOf(runFolder: string): string {
  return `${FRONT}${runFolder}#${process.pid}#`;
}

/** Ends the fronts of servers on this run folder that are no more. False: there was none. */
export async function endLeftoverFronts(runFolder: string): Promise<boolean> {
  const isWanted = (mark: string): boolean =>
    mark.startsWith(FRONT) && isLeftover(runFolder, mark.slice(FRONT.length));
  return (await endMarked(isWanted)) > 0;
}

const FRONT = 'front:';

/** Gives how many there were. */
async function endMarked(isWanted: (mark: string) => boolean): Promise<number> {
  let ended = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    let found = 0;
    for (const pid of await processes()) {
      const mark = await readMark(pid);
      if (mark === undefined || !isWanted(mark)) continue;
      found += 1;
      kill(pid);
    }
    ended += found;
    if (found === 0) break;
  }
  return ended;
}

async function processes(): Promise<number[]> {
  try {
    const entries = await readdir('/proc');
    return entries.filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    // No /proc here.
    return [];
  }
}

async function readMark(pid: number): Promise<string | undefined> {
  if (pid === process.pid) return undefined;
  let environment: string;
  try {
    environment = await readFile(`/proc/${pid}/environ`, 'utf8');
  } catch {
    // It has ended, or belongs to somebody else.
    return undefined;
  }
  return /(?:^|\0)PORTICO_INSTANCE=([^\0]*)/.exec(environment)?.[1];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended since.
  }
}
