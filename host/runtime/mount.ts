import type { Exchange, RequestHead } from '../exchange/exchange.js';
import type { Departure } from '../lifecycle/departure.js';
import type { WaitingRequest } from './waiting-line.js';

/** Where a context is mounted; what a runtime must know about it to answer. */
export interface Mount {
  /** `''` for ROOT, `/foo/bar` otherwise; canonical, percent-encoded. */
  readonly path: string;
  /** Largest request body; 413 beyond it. 0: no limit. */
  readonly maxBodyBytes: number;
  /** Where open tunnels are counted, and requests refused for their body since the last report. */
  readonly counters: MountCounters;
  /** Where the deployment that answers is counted by itself; absent where nothing runs. */
  readonly deployment?: DeploymentTally | undefined;
}

/** What runtimes count for a context. */
export interface MountCounters {
  tunnels: number;
  tooLargeBodies: number;
  /** A request begins to wait, or waits no longer. */
  queue?(change: 1 | -1): void;
  /** A request met a limit of the application. */
  limit?(reason: LimitReason): void;
}

/**
 * Limits that a request can meet; each is the name of an event. `queue-full`: no room to wait for the start of the
 * application; `queue-timeout`: it waited too long, for that or for its turn; `concurrency-limit`: so many are being
 * answered, and no room to wait for a turn; `output-rate`: the response was slowed down; `body-limit`: its body was too
 * large.
 */
export type LimitReason = 'queue-full' | 'queue-timeout' | 'concurrency-limit' | 'output-rate' | 'body-limit';

/** Counts of one deployment, beside those of its context. */
export interface DeploymentTally {
  tunnels: number;
  /** A request of this deployment begins. */
  begin(): void;
  /** It is over; `status` 0: its client left before there was one. */
  finish(status: number): void;
  /** The application broke off a response that it had begun. */
  cut(): void;
  /**
   * The exchange with this head is about to be ended before its time, and not by its client. Said before that, so that it is
   * known for what it is if the deployment drains.
   */
  doom?(head: RequestHead): void;
}

/**
 * How one deployment answers. A front holds one runtime per deployment, whatever number of contexts name it, and
 * retires it when no context does.
 */
export interface Runtime {
  /**
   * Answers an exchange, now or later. `within` is the path behind the context path and begins with `/`. Called
   * synchronously inside the exchange handler.
   */
  handle(exchange: Exchange, mount: Mount, within: string): void;
  /** Exchanges and tunnels that are not over yet. */
  readonly openExchanges: number;
  /**
   * No new exchange comes any more. What is open may end by itself; tunnels are asked to close, and told why. `onIdle` is
   * called once nothing is open, at the earliest in a later turn of the event loop.
   */
  retire(onIdle: () => void, departure: Departure): void;
  /** Undoes `retire` before it has become idle. */
  revive(): void;
  /**
   * Enforces deadlines; called several times a second with `performance.now()`. Deadlines are as precise as that, for
   * the price of no timer per request.
   */
  sweep?(now: number): void;
  /** Requests that wait here, oldest first, for a successor to answer; they wait here no longer. */
  release?(): WaitingRequest[];
  /** Answers requests that wait for something that will not come any more. */
  giveUp?(): void;
  /** Gives up everything that is open, and every connection. Nothing is handled afterwards. */
  close?(): void;
}
