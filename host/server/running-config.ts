import type { ReloadResult } from '../admin/admin-collaborators.js';
import type { HostConfig } from '../config/host-config.js';
import { messageOf, PorticoError } from '../errors.js';
import type { ServerLog } from '../log/server-log.js';
import { type Reconfiguration, reconfigurationOf } from './reconfiguration.js';

/**
 * The configuration that is in force, and the way to a new one: the file is read and checked whole before anything changes;
 * what is wrong with it leaves everything as it was. Owned by the server; one reload at a time.
 */
export class RunningConfig {
  readonly #read: (() => HostConfig) | undefined;
  readonly #log: ServerLog;
  #current: HostConfig;
  #last: Promise<unknown> = Promise.resolve();

  /** `read` gives what the file says now; undefined: there is nothing to be read again. */
  constructor(config: HostConfig, read: (() => HostConfig) | undefined, log: ServerLog) {
    this.#current = config;
    this.#read = read;
    this.#log = log;
  }

  get current(): HostConfig {
    return this.#current;
  }

  /**
   * Reads the file, and hands what is different to `apply`, with the new configuration in force already. Rejects with
   * `PORTICO_CONFIG_INVALID` and file and line, and with `PORTICO_RELOAD_UNAVAILABLE`; then nothing has changed.
   */
  reload(apply: (change: Reconfiguration) => Promise<void>): Promise<ReloadResult> {
    const result = this.#last.then(() => this.#reload(apply));
    // Whoever asked hears of it; the next one begins in any case.
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #reload(apply: (change: Reconfiguration) => Promise<void>): Promise<ReloadResult> {
    if (this.#read === undefined)
      throw new PorticoError(
        'PORTICO_RELOAD_UNAVAILABLE',
        'This host was not started from a configuration that can be read again, as by "portico dev". Start it anew.',
      );
    let change: Reconfiguration;
    try {
      change = reconfigurationOf(this.#current, this.#read());
    } catch (error) {
      this.#log.error(
        { event: 'reload-failed', err: error },
        `the configuration stays as it was: ${messageOf(error)}`,
      );
      throw error;
    }
    const { config, changed, needsRestart } = change;
    this.#current = config;
    if (changed.length > 0) await apply(change);
    this.#log.info({ event: 'reloaded', changed, needsRestart }, reloadText({ changed, needsRestart }));
    return { changed, needsRestart };
  }
}

/** What a reload has done, in one line. */
export function reloadText({ changed, needsRestart }: ReloadResult): string {
  const done = changed.length === 0 ? 'nothing has changed' : `changed: ${changed.join(', ')}`;
  return needsRestart.length === 0 ? done : `${done}; needs a restart: ${needsRestart.join(', ')}`;
}
