import type { LivenessSettings } from '../../config/liveness-settings.js';
import { messageOf } from '../../errors.js';
import type { InstanceAddress } from '../../front/messages.js';
import { acceptsConnections } from '../accepts-connections.js';
import { askProgram } from './ask-program.js';
import { isSuspended } from './process-tree.js';

/** Whom it is about. */
export interface LivenessQuestion {
  readonly address: InstanceAddress;
  readonly pid: number;
  /** What is asked for, with the context path where the program sees that. Undefined: a connection is enough. */
  readonly path: string | undefined;
}

/**
 * Asks a program without an agent again and again whether it answers: it has no heartbeat. With a path each answer below 500
 * counts; without one it must accept a connection, which the system does for a program that hangs, so of these only one that
 * is suspended is found. Owned by the process; begins at once.
 */
export class Liveness {
  readonly #question: LivenessQuestion;
  readonly #settings: LivenessSettings;
  readonly #missed: (reason: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isStopped = false;

  /** `missed` is called once, with what continues "the process …", after so many failures in a row. */
  constructor(question: LivenessQuestion, settings: LivenessSettings, missed: (reason: string) => void) {
    this.#question = question;
    this.#settings = settings;
    this.#missed = missed;
    this.#next();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #next(): void {
    const { intervalMs } = this.#settings;
    if (intervalMs > 0) this.#timer = setTimeout(() => void this.#look(), intervalMs);
  }

  async #look(): Promise<void> {
    const problem = await this.#ask();
    if (this.#isStopped) return;
    const { failures } = this.#settings;
    this.#failures = problem === undefined ? 0 : this.#failures + 1;
    if (problem === undefined || this.#failures < failures) {
      this.#next();
      return;
    }
    const times = failures === 1 ? '' : ` ${failures} times in a row`;
    this.#missed(`gave no sign of life${times} (${problem})`);
  }

  /** Undefined: it lives. */
  async #ask(): Promise<string | undefined> {
    const { address, pid, path } = this.#question;
    const { timeoutMs } = this.#settings;
    if (isSuspended(pid)) return 'it is suspended';
    if (path === undefined)
      return (await acceptsConnections(address, timeoutMs)) ? undefined : 'it accepts no connections';
    try {
      const status = await askProgram(address, {
        method: 'GET',
        path,
        fields: ['user-agent', 'portico-health'],
        timeoutMs,
        until: 'head',
      });
      return status < 500 ? undefined : `GET ${path} gave ${status}`;
    } catch (error) {
      return `GET ${path}: ${messageOf(error)}`;
    }
  }
}
