import type { ServerLog } from '../../log/server-log.js';
import type { RevocationList } from '../../tls/revocation-list.js';
import { problemOf, validityOfList } from './client-trust.js';

/** A revocation list in use at a connector. */
export interface ListInUse extends RevocationList {
  readonly connector: string;
}

const LOOK_MS = 60_000;

/**
 * Says in the log that a revocation list in use ends soon (a warning in the last fourth of its life) and that its time is
 * over, once each: from then on clients with certificates are refused. Owned by the server's certificates.
 */
export class RevocationWatch {
  readonly #lists: () => readonly ListInUse[];
  readonly #log: ServerLog;
  #told = new Map<string, Step>();
  #timer: NodeJS.Timeout | undefined;

  constructor(lists: () => readonly ListInUse[], log: ServerLog) {
    this.#lists = lists;
    this.#log = log;
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Says what has not been said yet. */
  look(now = new Date()): void {
    const told = new Map<string, Step>();
    for (const list of this.#lists()) {
      const step = stepOf(list, now);
      if (step === undefined) continue;
      const key = `${list.connector} ${list.pem}`;
      told.set(key, step);
      if (this.#told.get(key) !== step) this.#tell(list, step, now);
    }
    this.#told = told;
  }

  #tell(list: ListInUse, step: Step, now: Date): void {
    const { connector, file, issuer, nextUpdate } = list;
    const facts = { event: 'revocation-list-expiry', connector, file, issuer, nextUpdate };
    if (step === 'ends soon')
      this.#log.warn(
        facts,
        `the revocation list of ${issuer} in ${file} ends on ${nextUpdate?.toISOString()}; fetch it anew, or clients with certificates are refused from then on`,
      );
    else this.#log.error(facts, `clients with certificates are refused: ${problemOf(list, now)}`);
  }
}

type Step = 'ends soon' | 'not valid';

function stepOf(list: RevocationList, now: Date): Step | undefined {
  if (validityOfList(list, now) !== 'valid') return 'not valid';
  const { thisUpdate, nextUpdate } = list;
  if (nextUpdate === undefined) return undefined;
  const leftMs = nextUpdate.getTime() - now.getTime();
  return leftMs < (nextUpdate.getTime() - thisUpdate.getTime()) / 4 ? 'ends soon' : undefined;
}
