import type { Exchange } from '../../exchange/exchange.js';
import type { Departure } from '../../lifecycle/departure.js';
import type { Mount, Runtime } from '../../runtime/mount.js';
import { answerPlainly } from '../../runtime/plain-answer.js';
import { WaitingLine, type WaitingRequest } from '../../runtime/waiting-line.js';
import type { DeploymentCounters } from '../deployment-counters.js';
import type { MappedContext } from '../mapping.js';
import type { RouteLimits } from '../messages.js';
import { OutputBudget } from './output-budget.js';
import { PacedExchange } from './paced-exchange.js';

/**
 * Stands before the runtime of a deployment that has limits: lets so many requests through at a time, keeps others in a
 * bounded line until it is their turn, and slows responses down. Keeps no list of what is under way: the counters of
 * the deployment know it, and tell when something is over. So a WebSocket counts as long as it is open.
 *
 * Owned by LimitedRuntimes; the runtime behind it is not.
 */
export class LimitedRuntime implements Runtime {
  readonly #deployment: DeploymentCounters;
  readonly #retryAfterSeconds: number;
  readonly #line: WaitingLine;
  #inner: Runtime;
  #concurrency: number;
  #budget: OutputBudget | undefined;
  #isServing = false;

  constructor(
    inner: Runtime,
    limits: RouteLimits,
    deployment: DeploymentCounters,
    retryAfterSeconds: number,
  ) {
    this.#inner = inner;
    this.#deployment = deployment;
    this.#retryAfterSeconds = retryAfterSeconds;
    this.#line = new WaitingLine(limits.queue, ({ exchange }) => this.#refuse(exchange));
    this.#concurrency = Number.POSITIVE_INFINITY;
    this.configure(inner, limits);
    deployment.onFinished = this.#serve;
  }

  get openExchanges(): number {
    return this.#inner.openExchanges;
  }

  /** Other limits, or another runtime behind them, from now on. */
  configure(inner: Runtime, { concurrency, queue, outputBytesPerSecond }: RouteLimits): void {
    this.#inner = inner;
    this.#line.limits = queue;
    this.#concurrency = concurrency ?? Number.POSITIVE_INFINITY;
    if (outputBytesPerSecond === undefined) this.#budget = undefined;
    else if (this.#budget === undefined) this.#budget = new OutputBudget(outputBytesPerSecond);
    else this.#budget.setRate(outputBytesPerSecond);
    this.#serve();
  }

  handle(exchange: Exchange, mount: Mount, within: string): void {
    // The request itself is counted already.
    if (this.#underWay <= this.#concurrency) {
      this.#pass(exchange, mount, within);
      return;
    }
    if (this.#line.add(exchange, mount, within)) return;
    mount.counters.limit?.('concurrency-limit');
    this.#refuse(exchange);
  }

  /** What waits here or behind, oldest first. */
  release(): WaitingRequest[] {
    return [...(this.#inner.release?.() ?? []), ...this.#line.release()];
  }

  /** What waits for its turn gets it; only what waits for an instance is given up. */
  giveUp(): void {
    this.#inner.giveUp?.();
  }

  retire(onIdle: () => void, departure: Departure): void {
    this.#inner.retire(onIdle, departure);
  }

  revive(): void {
    this.#inner.revive();
  }

  /** Requests that were let through and are not over. */
  get #underWay(): number {
    return this.#deployment.inFlight - this.#line.size;
  }

  #pass(exchange: Exchange, mount: Mount, within: string): void {
    const paced =
      this.#budget === undefined
        ? exchange
        : new PacedExchange(exchange, this.#budget, () => mount.counters.limit?.('output-rate'));
    this.#inner.handle(paced, mount, within);
  }

  /** Something is over: whoever has waited longest comes next. */
  readonly #serve = (): void => {
    // What is answered at once ends within this loop, and needs none of its own.
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.#line.size > 0 && this.#underWay < this.#concurrency) {
      const first = this.#line.shift();
      if (first !== undefined) this.#pass(first.exchange, first.mount, first.within);
    }
    this.#isServing = false;
  };

  /** The deployment has not seen the request, so it is not counted for it, and no error of its version. */
  #refuse(exchange: Exchange): void {
    this.#deployment.leave();
    exchange.attachment = { ...(exchange.attachment as MappedContext), deployment: undefined };
    // RFC 9110 §15.6.4: a 503 may say when to come back.
    const retryAfter = ['retry-after', String(this.#retryAfterSeconds)];
    answerPlainly(exchange, 503, 'The application has too much to do at the moment.', retryAfter);
  }
}
