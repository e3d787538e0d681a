import type { ServerLog } from '../../log/server-log.js';
import { StepWatch } from './step-watch.js';

/** What is known of a certificate in use. */
export interface ExpiringCertificate {
  readonly connector: string;
  readonly hosts: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly fingerprint256: string;
}

const DAY_MS = 86_400_000;
/** Days before the end at which the log warns. */
const WARNING_DAYS = [30, 14, 7, 1] as const;
const LOOK_MS = 3_600_000;

/**
 * Warns in the log before certificates end: 30, 14, 7 and 1 days before, once each; and says that they have ended, or that
 * their time has not come, which a start does not wait for. Steps that lie
 * in the first two thirds of a short life are left out: those of an authority that gives 90 days are renewed at 30. Owned by
 * the server's certificates.
 */
export class ExpiryWatch {
  readonly #log: ServerLog;
  readonly #steps: StepWatch<ExpiringCertificate, number>;

  constructor(certificates: () => readonly ExpiringCertificate[], log: ServerLog) {
    this.#log = log;
    this.#steps = new StepWatch({
      items: certificates,
      keyOf: ({ connector, fingerprint256 }) => `${connector} ${fingerprint256}`,
      stepOf,
      tell: (certificate, step, now) => this.#tell(certificate, step, now),
      lookMs: LOOK_MS,
    });
  }

  start(): void {
    this.#steps.start();
  }

  stop(): void {
    this.#steps.stop();
  }

  /** Says what has not been said yet. `now`: milliseconds since 1970. */
  look(now = Date.now()): void {
    this.#steps.look(now);
  }

  #tell({ connector, hosts, notBefore, notAfter }: ExpiringCertificate, step: number, now: number): void {
    const daysLeft = Math.floor((notAfter.getTime() - now) / DAY_MS);
    const facts = {
      event: 'certificate-expiry',
      connector,
      hosts,
      notAfter: notAfter.toISOString(),
      daysLeft,
    };
    const name = hosts[0] ?? 'no host';
    if (step === EARLY)
      this.#log.error(
        { ...facts, notBefore: notBefore.toISOString() },
        `the certificate for ${name} is valid from ${notBefore.toISOString()} on only; clients refuse it until then. Put another in its place, or look at the clock of this machine`,
      );
    else if (step === EXPIRED)
      this.#log.error(
        facts,
        `the certificate for ${name} has expired; clients refuse it. Put another in its place`,
      );
    else
      this.#log.warn(
        facts,
        `the certificate for ${name} ends in ${Math.max(1, daysLeft)} days or less; renew it`,
      );
  }
}

const EXPIRED = 0;
const EARLY = -1;

/** The last step that a certificate has come to; undefined when its end is far. */
function stepOf({ notBefore, notAfter }: ExpiringCertificate, now: number): number | undefined {
  const leftMs = notAfter.getTime() - now;
  if (leftMs <= 0) return EXPIRED;
  if (notBefore.getTime() > now) return EARLY;
  const lifeMs = notAfter.getTime() - notBefore.getTime();
  return WARNING_DAYS.findLast((days) => leftMs <= days * DAY_MS && days * DAY_MS < lifeMs / 3);
}
