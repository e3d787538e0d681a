import type { Standstill } from '../admin/admin-collaborators.js';
import { PorticoError } from '../errors.js';
import type { ServerLog } from '../log/server-log.js';
import type { FrontProcesses } from './front-processes.js';

/** `Retry-After` of a host that is suspended: nobody knows for how long. */
const RETRY_AFTER_SECONDS = 30;

/** The host as a whole, or connectors of it, take no requests for a while. Forgotten when the host ends. */
export class Standstills implements Standstill {
  readonly #fronts: Pick<FrontProcesses, 'close' | 'pause'>;
  readonly #connectors: readonly string[];
  readonly #log: ServerLog;
  #isSuspended = false;

  constructor(
    fronts: Pick<FrontProcesses, 'close' | 'pause'>,
    connectors: readonly string[],
    log: ServerLog,
  ) {
    this.#fronts = fronts;
    this.#connectors = connectors;
    this.#log = log;
  }

  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  async suspend(isSuspended: boolean): Promise<void> {
    if (this.#isSuspended === isSuspended) return;
    // Not ready first: whoever asks hears it before a request is refused.
    this.#isSuspended = isSuspended;
    await this.#fronts.close(
      isSuspended
        ? {
            reason: 'This host takes no requests at the moment.',
            retryAfterSeconds: RETRY_AFTER_SECONDS,
            endsConnections: true,
          }
        : undefined,
    );
    const event = isSuspended ? 'suspended' : 'resumed';
    this.#log.warn({ event }, isSuspended ? 'suspended by an operator' : 'resumed by an operator');
  }

  async pause(connector: string, isPaused: boolean): Promise<void> {
    if (!this.#connectors.includes(connector))
      throw new PorticoError(
        'PORTICO_CONNECTOR_UNKNOWN',
        `There is no connector ${JSON.stringify(connector)}. Name one of: ${this.#connectors.join(', ')}.`,
      );
    await this.#fronts.pause(connector, isPaused);
    const event = isPaused ? 'connector-paused' : 'connector-resumed';
    this.#log.warn({ event, connector }, `connector ${connector} is ${isPaused ? 'paused' : 'resumed'}`);
  }
}
