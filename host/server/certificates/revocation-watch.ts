import type { ServerLog } from '../../log/server-log.js';
import type { RevocationList } from '../../tls/revocation-list.js';
import { problemOf, validityOfList } from './client-trust.js';
import { StepWatch } from './step-watch.js';

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
  readonly #log: ServerLog;
  readonly #steps: StepWatch<ListInUse, Step>;

  constructor(lists: () => readonly ListInUse[], log: ServerLog) {
    this.#log = log;
    this.#steps = new StepWatch({
      items: lists,
      keyOf: ({ connector, pem }) => `${connector} ${pem}`,
      stepOf: (list, now) => stepOf(list, new Date(now)),
      tell: (list, step, now) => this.#tell(list, step, new Date(now)),
      lookMs: LOOK_MS,
    });
  }

  start(): void {
    this.#steps.start();
  }

  stop(): void {
    this.#steps.stop();
  }

  /** Says what has not been said yet. */
  look(now = new Date()): void {
    this.#steps.look(now.getTime());
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
