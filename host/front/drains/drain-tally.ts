import type { ExchangeResult } from '../../connector/connector-observer.js';
import type { RequestHead } from '../../exchange/exchange.js';
import {
  type CutExchange,
  type DrainKind,
  type DrainReport,
  MAX_CUTS,
  MAX_PATH,
  oldestCuts,
} from './drain-report.js';

/**
 * Counts how the exchanges of one deployment end while it drains, in one front. Made when the draining begins; without it
 * an exchange costs nothing here. Whoever ends one before its time says so first: otherwise its client has left.
 */
export class DrainTally {
  readonly #finished = { request: 0, stream: 0, tunnel: 0 };
  readonly #left = { request: 0, stream: 0, tunnel: 0 };
  readonly #cut = { request: 0, stream: 0, tunnel: 0 };
  /** About to be cut. */
  readonly #doomed = new Set<RequestHead>();
  #cuts: CutExchange[] = [];

  /** The exchange with this head is ended by the host now, or by the end of its instance. */
  doom(head: RequestHead): void {
    this.#doomed.add(head);
  }

  /** Nobody waits for the exchange with this head: it was a copy. */
  spare(head: RequestHead): void {
    this.#doomed.delete(head);
  }

  /** An exchange is over. */
  over(head: RequestHead, { status, durationMs, aborted }: ExchangeResult): void {
    const kind = kindOf(head, status);
    if (!this.#doomed.delete(head)) {
      if (aborted) this.#left[kind]++;
      else this.#finished[kind]++;
      return;
    }
    this.#cut[kind]++;
    const { method, path } = head;
    this.#cuts.push({ kind, method, path: shortened(path), ageMs: Math.round(durationMs) });
    if (this.#cuts.length > MAX_CUTS * 2) this.#cuts = [...oldestCuts(this.#cuts)];
  }

  /** Until now. */
  report(): DrainReport {
    const { request, stream, tunnel } = this.#cut;
    // Those whose connections are just being closed.
    const closing = this.#doomed.size;
    return {
      finished: { ...this.#finished },
      left: { ...this.#left },
      cut: { request: request + closing, stream, tunnel },
      cuts: oldestCuts(this.#cuts),
    };
  }
}

/** What a browser asks an event stream with (HTML standard, §9.2.2 of "Server-sent events"). */
const EVENT_STREAM = 'text/event-stream';

function kindOf({ fields }: RequestHead, status: number): DrainKind {
  if (status === 101) return 'tunnel';
  return status === 200 && fields.get('accept')?.includes(EVENT_STREAM) === true ? 'stream' : 'request';
}

function shortened(path: string): string {
  return path.length <= MAX_PATH ? path : `${path.slice(0, MAX_PATH - 1)}…`;
}
