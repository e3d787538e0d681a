import type { OcspView } from '../../../admin/certificates-view.js';
import { messageOf, PorticoError } from '../../../errors.js';
import type { ServerLog } from '../../../log/server-log.js';
import { askResponder } from './ask-responder.js';
import { type IssuedPair, makeOcspRequest, type OcspAnswer, readOcspResponse } from './ocsp-message.js';

/** What one staple is made with. */
export interface OcspStapleOptions {
  readonly pair: IssuedPair;
  readonly responder: URL;
  /** What each line of the log says of it: connector and hosts. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly log: ServerLog;
  /** Runs when it is its turn; keeps thousands of certificates from asking at once. */
  readonly inTurn: (work: () => Promise<void>, signal: AbortSignal) => Promise<void>;
  /** There is another answer, or none any more. */
  readonly changed: () => void;
  /** After a failure, at least; doubles with each one up to an hour. Default 1 min. Also the least time between answers. */
  readonly minDelayMs?: number;
}

/**
 * Keeps the answer of a responder about one certificate fresh. An answer is renewed when half of its life is over, at the
 * latest after twelve hours; a failure leaves the one in use until its end, and clients are served in any case. Owned by
 * OcspStapling.
 */
export class OcspStaple {
  readonly #options: OcspStapleOptions;
  readonly #end = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #answer: OcspAnswer | undefined;
  #response: string | undefined;
  #isAsking = false;
  #failures = 0;
  #succeeded = 0;
  #failed = 0;
  #lastError: string | undefined;

  constructor(options: OcspStapleOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#turn();
  }

  stop(): void {
    this.#end.abort();
    clearTimeout(this.#timer);
  }

  /** Asks now, unless there is an answer that was not to be renewed yet. */
  retryNow(): void {
    if (this.#lastError === undefined) return;
    clearTimeout(this.#timer);
    void this.#turn();
  }

  /** DER in base64 with its end, in milliseconds since 1970; undefined: nothing can be shown. */
  get staple(): { readonly response: string; readonly until: number } | undefined {
    const until = this.#answer?.until.getTime() ?? 0;
    if (this.#response === undefined || until <= Date.now()) return undefined;
    return { response: this.#response, until };
  }

  get status(): OcspView {
    const isStapled = this.staple !== undefined;
    const isRevoked = this.#answer?.status === 'revoked';
    const otherwise = this.#lastError === undefined ? 'waiting' : 'failed';
    return {
      state: isStapled ? 'stapled' : isRevoked ? 'revoked' : otherwise,
      responder: this.#options.responder.href,
      until: isStapled ? this.#answer?.until.toISOString() : undefined,
      succeeded: this.#succeeded,
      failed: this.#failed,
      lastError: this.#lastError,
    };
  }

  async #turn(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { signal } = this.#end;
    try {
      await this.#options.inTurn(async () => await this.#attempt(), signal);
    } catch (error) {
      if (!signal.aborted) this.#hasFailed(error);
    } finally {
      this.#isAsking = false;
    }
  }

  async #attempt(): Promise<void> {
    const { pair, responder, facts, log, changed, minDelayMs = MIN_DELAY_MS } = this.#options;
    const { signal } = this.#end;
    const bytes = await askResponder(responder, await makeOcspRequest(pair), signal);
    const answer = await readOcspResponse(bytes, pair, new Date());
    if (signal.aborted) return;
    if (answer.status === 'unknown')
      throw new PorticoError(
        'PORTICO_OCSP_ANSWER',
        `The OCSP responder ${responder.href} does not know the certificate. It is asked again later; a new certificate may take it a while.`,
      );
    const wasRevoked = this.#answer?.status === 'revoked';
    this.#answer = answer;
    this.#response = answer.status === 'good' ? bytes.toString('base64') : undefined;
    this.#failures = 0;
    this.#succeeded += 1;
    this.#lastError = undefined;
    if (answer.status === 'revoked') {
      this.#lastError = `the authority says that the certificate is revoked`;
      if (!wasRevoked)
        log.error(
          { ...facts, event: 'ocsp-revoked' },
          'the authority says that a certificate is revoked; clients may refuse it, and nothing is stapled. Put another in its place',
        );
    }
    changed();
    const leftMs = answer.until.getTime() - Date.now();
    this.#schedule(Math.max(minDelayMs, Math.min(leftMs / 2, LONGEST_MS)));
  }

  #hasFailed(error: unknown): void {
    const { facts, log, minDelayMs = MIN_DELAY_MS } = this.#options;
    const waitMs = Math.min(LONGEST_RETRY_MS, minDelayMs * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    this.#failed += 1;
    this.#lastError = messageOf(error);
    const code = error instanceof PorticoError ? error.code : 'PORTICO_INTERNAL';
    log.warn({ ...facts, event: 'ocsp-failed', code, until: this.status.until }, this.#lastError);
    this.#schedule(waitMs);
  }

  /** Certificates that failed together are not asked for together again. */
  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#turn(), ms * (1 + Math.random() / 8));
    this.#timer.unref();
  }
}

const MIN_DELAY_MS = 60_000;
const LONGEST_RETRY_MS = 3_600_000;
const LONGEST_MS = 12 * 3_600_000;
