import { performance } from 'node:perf_hooks';
import { type FSWatcher, watch } from 'chokidar';
import { messageOf } from '../../errors.js';
import type { DeployerLog } from '../collaborators.js';
import { SerialQueue } from '../serial-queue.js';

/** What the watcher goes by. */
export interface WatcherOptions {
  readonly appsFolder: string;
  /** Time between two passes when nothing is noticed. */
  readonly scanIntervalMs: number;
  /** One pass: scan, plan, act. Resolves to the time after which it wants to be called again at the latest. */
  readonly pass: () => Promise<number | undefined>;
  readonly log: DeployerLog;
}

/** A burst of file events is one hint. */
const SETTLE_MS = 20;
/** After a pass there is rest for so many times as long as it took, however large the folders are. */
const REST = 4;
const MAX_REST_MS = 10_000;
/** Looking without a hint takes at most a fiftieth of a core; with very many bundles it comes less often. */
const POLL_REST = 50;
const MAX_POLL_REST_MS = 60_000;

/**
 * Decides when the drop folder is looked at: after the file system hinted at a change, when the plan asked for it, and
 * at each interval in any case, since hints get lost (network folders, limits of inotify). Owned by the deployer.
 * Passes never overlap, neither with one another nor with what `exclusively` runs.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #lane = new SerialQueue();
  #hints: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #earliest = 0;
  #isClosed = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Begins to watch. The first pass is the caller's, by `look()`. */
  start(): void {
    if (this.#isClosed) return;
    const { appsFolder, log } = this.#options;
    // Two levels are enough for a hint: deeper changes are found by the next interval.
    this.#hints = watch(appsFolder, {
      ignoreInitial: true,
      depth: 2,
      ignorePermissionErrors: true,
      followSymlinks: false,
      ignored: (path) => path.includes('/node_modules'),
    });
    this.#hints.on('all', () => this.#lookIn(SETTLE_MS));
    // A folder that takes the place of another one by renaming is an event of the system, and of nothing else.
    this.#hints.on('raw', () => this.#lookIn(SETTLE_MS));
    this.#hints.on('error', (error) => {
      log.warn(
        { code: 'PORTICO_WATCH_FAILED', err: error },
        `${appsFolder} cannot be watched (${messageOf(error)}); changes are found every ${this.#options.scanIntervalMs} ms only`,
      );
    });
  }

  /** A pass now, after the one that may be running. */
  look(): Promise<void> {
    return this.#lane.run(() => this.#pass());
  }

  /** Runs something while no pass runs. */
  exclusively<Result>(task: () => Promise<Result>): Promise<Result> {
    return this.#lane.run(task);
  }

  /** No pass begins afterwards; resolves when the running one is over. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#hints?.close();
    await this.#lane.idle();
  }

  async #pass(): Promise<void> {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
    const began = performance.now();
    let wakeInMs: number | undefined;
    try {
      wakeInMs = await this.#options.pass();
    } catch (error) {
      this.#options.log.error(
        { code: 'PORTICO_SCAN_FAILED', err: error },
        `a pass over the drop folder failed: ${messageOf(error)}; the next one is in ${this.#options.scanIntervalMs} ms`,
      );
    }
    const ended = performance.now();
    this.#earliest = ended + Math.min((ended - began) * REST, MAX_REST_MS);
    const pollMs = Math.max(
      this.#options.scanIntervalMs,
      Math.min((ended - began) * POLL_REST, MAX_POLL_REST_MS),
    );
    this.#lookIn(Math.min(wakeInMs ?? pollMs, pollMs));
  }

  #lookIn(delayMs: number): void {
    if (this.#isClosed) return;
    const at = Math.max(performance.now() + delayMs, this.#earliest);
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => void this.look(), Math.max(1, Math.ceil(at - performance.now())));
  }
}
