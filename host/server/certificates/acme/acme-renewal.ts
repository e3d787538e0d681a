import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AcmeConfig } from '../../../config/acme-config.js';
import { messageOf, PorticoError } from '../../../errors.js';
import type { ServerLog } from '../../../log/server-log.js';
import { issueSelfSigned } from '../issue-certificate.js';
import type { AcmeChallenges } from './acme-challenges.js';
import { AcmeError } from './acme-error.js';
import { obtainCertificate } from './acme-order.js';
import { AcmeStore } from './acme-store.js';
import { AcmeTransport } from './acme-transport.js';

/** What one renewal is made with. */
export interface AcmeRenewalOptions {
  /** Name of the connector the certificate is for. */
  readonly connector: string;
  readonly config: AcmeConfig;
  readonly workFolder: string;
  readonly challenges: AcmeChallenges;
  readonly log: ServerLog;
  /** The file holds a new certificate. */
  readonly obtained: () => void;
}

/** Where a renewal stands. */
export interface AcmeStatus {
  readonly directory: string;
  readonly hosts: readonly string[];
  readonly challenge: AcmeConfig['challenge'];
  readonly state: 'waiting' | 'ordering' | 'failed' | 'stopped';
  /** ISO 8601; undefined while one is made. */
  readonly nextAttemptAt: string | undefined;
  /** Failures in a row. */
  readonly failures: number;
  readonly lastError: { readonly code: string; readonly message: string; readonly at: string } | undefined;
}

/**
 * Keeps one certificate of an authority fresh: in a file that always holds a pair that can be served. Until the first
 * certificate is there it is one that answers for itself. Nobody waits for it: not the start, and not the one in use, which
 * stays until the next is there. Owned by the server.
 */
export class AcmeRenewal {
  readonly #options: AcmeRenewalOptions;
  readonly #store: AcmeStore;
  readonly #end = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #state: AcmeStatus['state'] = 'waiting';
  #failures = 0;
  #lastError: AcmeStatus['lastError'];
  #working: Promise<void> | undefined;

  constructor(options: AcmeRenewalOptions) {
    this.#options = options;
    this.#store = new AcmeStore(options.workFolder, options.config);
  }

  /** PEM with a key and its certificates. */
  get file(): string {
    return this.#store.certificateFile;
  }

  /** Makes sure that there is a file to serve from. Throws `PORTICO_ACME_STORE` and `PORTICO_FILE_UNWRITABLE`. */
  async prepare(): Promise<void> {
    const { config, log, connector } = this.#options;
    const stored = this.#store.readCertificate();
    const now = Date.now();
    const times = stored === undefined ? undefined : readStored(stored, config.hosts);
    // One that has ended is worth no more than a stand-in, and would be refused.
    if (times !== undefined && times.notBefore <= now && times.notAfter > now) return;
    if (stored !== undefined && isStandIn(stored)) return;
    const { certificatePem, keyPem } = await issueSelfSigned({
      names: config.hosts,
      keyType: config.keyType,
      notBefore: new Date(now - 3_600_000),
      notAfter: new Date(now + STAND_IN_MS),
    });
    this.#store.writeCertificate(keyPem, certificatePem);
    log.info(
      { event: 'acme-stand-in', connector, hosts: config.hosts },
      'a certificate that answers for itself serves until the certification authority has given one',
    );
  }

  /** Begins to watch over the certificate; from now on the fronts must listen. */
  start(): void {
    this.#schedule(this.#nextAt());
  }

  /** Tries again now if the last attempt has failed. */
  retryNow(): void {
    if (this.#state === 'failed') this.#schedule(Date.now());
  }

  /** Breaks off what is under way. Resolves when nothing is left. */
  async stop(): Promise<void> {
    this.#end.abort();
    clearTimeout(this.#timer);
    await this.#working;
    this.#state = 'stopped';
  }

  get status(): AcmeStatus {
    const { directory, hosts, challenge } = this.#options.config;
    return {
      directory,
      hosts,
      challenge,
      state: this.#state,
      nextAttemptAt:
        this.#state === 'waiting' || this.#state === 'failed'
          ? new Date(this.#dueAt).toISOString()
          : undefined,
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  /** When the certificate in the file is to be replaced; a stand-in at once. */
  #nextAt(): number {
    const { config } = this.#options;
    const stored = this.#store.readCertificate();
    const times = stored === undefined ? undefined : readStored(stored, config.hosts);
    if (times === undefined) return Date.now();
    const lifeMs = times.notAfter - times.notBefore;
    // Longer than half of its life would mean to renew for ever.
    const beforeMs = Math.min(config.renewBeforeMs ?? lifeMs / 3, lifeMs / 2);
    return times.notAfter - beforeMs - (Math.random() * lifeMs) / 100;
  }

  #schedule(at: number): void {
    if (this.#end.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    // In steps: timers have an upper bound, and a machine may sleep.
    const waitMs = Math.min(Math.max(0, at - Date.now()), LONGEST_STEP_MS);
    this.#timer = setTimeout(() => {
      if (Date.now() < this.#dueAt) this.#schedule(this.#dueAt);
      else
        this.#working ??= this.#attempt().finally(() => {
          this.#working = undefined;
        });
    }, waitMs);
    this.#timer.unref();
  }

  async #attempt(): Promise<void> {
    const { connector, config, challenges, log, obtained } = this.#options;
    const { signal } = this.#end;
    this.#state = 'ordering';
    try {
      const ca = config.directoryCaFile === undefined ? undefined : readAuthorities(config.directoryCaFile);
      const transport = new AcmeTransport(ca, signal);
      const { keyPem, chainPem } = await obtainCertificate({
        config,
        store: this.#store,
        transport,
        challenges,
        signal,
      });
      this.#store.writeCertificate(keyPem, chainPem);
      this.#state = 'waiting';
      this.#failures = 0;
      this.#lastError = undefined;
      const { validTo } = new X509Certificate(chainPem);
      log.info(
        {
          event: 'acme-certificate',
          connector,
          hosts: config.hosts,
          notAfter: new Date(validTo).toISOString(),
        },
        'the certification authority has given a certificate',
      );
      obtained();
      this.#schedule(Math.max(this.#nextAt(), Date.now() + config.minRetryMs));
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { connector, config, log } = this.#options;
    this.#state = 'failed';
    const backoffMs = Math.min(config.maxRetryMs, config.minRetryMs * 2 ** Math.min(this.#failures, 30));
    // Hosts that failed together do not come back together.
    const waitMs = backoffMs * (1 + Math.random() / 4);
    const askedMs = error instanceof AcmeError ? (error.retryAfterMs ?? 0) : 0;
    this.#failures += 1;
    const code = error instanceof PorticoError ? error.code : 'PORTICO_INTERNAL';
    this.#lastError = { code, message: messageOf(error), at: new Date().toISOString() };
    this.#schedule(Date.now() + Math.max(waitMs, askedMs));
    const facts = {
      event: 'acme-failed',
      connector,
      hosts: config.hosts,
      code,
      retryAt: this.status.nextAttemptAt,
    };
    if (error instanceof PorticoError) log.warn(facts, error.message);
    else log.error({ ...facts, err: error }, 'a certificate could not be had');
  }
}

const STAND_IN_MS = 365 * 86_400_000;
const LONGEST_STEP_MS = 6 * 3_600_000;

/** When the certificate of a file begins and ends; undefined when it is a stand-in, broken, or for other hosts. */
function readStored(
  text: string,
  hosts: readonly string[],
): { readonly notBefore: number; readonly notAfter: number } | undefined {
  const certificate = certificateOf(text);
  if (certificate === undefined || certificate.issuer === certificate.subject) return undefined;
  if (hosts.some((host) => certificate.checkHost(host) === undefined)) return undefined;
  return { notBefore: Date.parse(certificate.validFrom), notAfter: Date.parse(certificate.validTo) };
}

/** A stand-in that will do a while longer. */
function isStandIn(text: string): boolean {
  const certificate = certificateOf(text);
  return certificate !== undefined && Date.parse(certificate.validTo) > Date.now() + STAND_IN_MS / 12;
}

/** The certificate of a pair that fits together. */
function certificateOf(text: string): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(text.slice(Math.max(0, text.indexOf('-----BEGIN CERTIFICATE'))));
    return certificate.checkPrivateKey(createPrivateKey(text)) ? certificate : undefined;
  } catch {
    // What cannot be read is replaced.
    return undefined;
  }
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PorticoError(
      'PORTICO_ACME_DIRECTORY_CA',
      `Cannot read ${file}: ${messageOf(cause)}. Correct "tls.acme.directoryCa"; it is read again at the next attempt.`,
      { cause },
    );
  }
}
