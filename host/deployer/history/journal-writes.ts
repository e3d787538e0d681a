import { messageOf } from '../../errors.js';
import type { DeployerLog } from '../collaborators.js';

/**
 * Writes of a file that nothing waits for: a full disk must not stop a deployment. That it cannot be written is said once,
 * until it can be again. State: whether it was said. Owned by the journal that writes the file.
 */
export class JournalWrites {
  readonly #log: DeployerLog;
  readonly #what: string;
  readonly #effect: string;
  #isWarned = false;

  /** `what`: begins the message, as `the journal in DIR`; `effect`: what becomes of it, the end of the message. */
  constructor(log: DeployerLog, what: string, effect: string) {
    this.#log = log;
    this.#what = what;
    this.#effect = effect;
  }

  /** True: it is written. False: it could not be. Never rejects. */
  async attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#isWarned = false;
      return true;
    } catch (error) {
      if (!this.#isWarned) {
        this.#log.error(
          { code: 'PORTICO_JOURNAL_UNWRITABLE', err: error },
          `${this.#what} cannot be written (${messageOf(error)}); ${this.#effect}`,
        );
      }
      this.#isWarned = true;
      return false;
    }
  }
}
