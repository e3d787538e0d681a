import type { Application } from '../application/application.js';
import { ApplicationCall } from '../application/application-call.js';
import { forgetFailedAnswer } from '../application/content-facts.js';
import { CallAbortedError, statusOfError } from '../application/http-errors.js';
import { withLogContext } from '../application/log-context.js';
import { NoContent, TextContent } from '../application/outgoing-content.js';
import { messageOf } from '../errors.js';
import { AbortReason, type Exchange } from '../exchange/exchange.js';
import { statusText } from '../http/status-text.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';
import { errorAnswer, type ShownPlaces } from './error-page/error-answer.js';
import { type PendingCall, PendingCalls } from './pending-calls.js';

/** Hears of errors that ended calls, before they are answered. MUST NOT throw. */
export type FailureObserver = (call: ApplicationCall, status: number, error: unknown) => void;

/**
 * Runs calls through one application: the engine side of a call. Makes sure that every exchange is answered or
 * aborted, whatever the application does, and counts the calls that are under way.
 *
 * A call that is answered before the pipeline returns costs no listener and no promise; the abort of such an exchange
 * is nobody's concern. Any other call is listened to from the moment the pipeline returns, so its abort is seen.
 */
export class CallRunner {
  readonly #application: Application;
  /** Calls that were not answered at once. */
  readonly #pending = new PendingCalls();
  readonly #responseTimeoutMs: number;
  /** Looks for late calls, as long as there are any. */
  #sweep: NodeJS.Timeout | undefined;
  #idle: (() => void) | undefined;
  readonly #onFailure: FailureObserver | undefined;
  readonly #shownPlaces: ShownPlaces | undefined;

  /** `responseTimeoutMs`: calls whose answer has not begun by then are given up, with 504; 0: none. */
  constructor(
    application: Application,
    onFailure?: FailureObserver,
    responseTimeoutMs = 0,
    shownPlaces?: ShownPlaces,
  ) {
    this.#responseTimeoutMs = responseTimeoutMs;
    this.#application = application;
    this.#onFailure = onFailure;
    this.#shownPlaces = shownPlaces;
  }

  /** Calls that are not over yet. */
  get running(): number {
    return this.#pending.size;
  }

  /** Answers one exchange. Never throws. */
  run(exchange: Exchange): void {
    const call = new ApplicationCall(this.#application, exchange);
    let result: unknown;
    try {
      result = this.#application.execute(call, undefined);
      if (!isPromiseLike(result)) result = call.answering;
    } catch (error) {
      result = this.#fail(call, error);
    }
    if (result === undefined) this.#settle(call);
    else this.#runBehind(call, result);
  }

  /** Resolves true when no call is running, false when `deadlineMs` have passed first. */
  whenIdle(deadlineMs: number): Promise<boolean> {
    if (this.#pending.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#idle = undefined;
        resolve(false);
      }, deadlineMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  /** Gives up all calls that are running. */
  abortAll(): void {
    for (const { call } of this.#pending.all()) giveUp(call, AbortReason.INSTANCE_GONE);
  }

  #endLateCalls(): void {
    const latest = performance.now() - this.#responseTimeoutMs;
    for (const { call, begin } of this.#pending.all()) {
      if (begin > latest) return;
      if (call.exchange.isBegun || call.exchange.isEnded) continue;
      this.#application.log.warn(
        `${call.method} ${call.localPath} was not answered within ${this.#responseTimeoutMs} ms and is given up.`,
      );
      giveUp(call, AbortReason.TIMEOUT);
    }
  }

  #runBehind(call: ApplicationCall, result: unknown): void {
    const pending = this.#pending.add(call, this.#responseTimeoutMs > 0 ? performance.now() : 0);
    if (this.#responseTimeoutMs > 0)
      this.#sweep ??= setInterval(() => this.#endLateCalls(), this.#responseTimeoutMs / 4).unref();
    // Still inside the exchange's handler: the last moment to listen (Exchange.listen).
    if (!call.exchange.isEnded) call.signals.onAbort(() => this.#forget(pending));
    this.#awaitEnd(pending, result).catch((failure: unknown) => {
      this.#giveUp(call, failure);
      this.#forget(pending);
    });
  }

  async #awaitEnd(pending: PendingCall, result: unknown): Promise<void> {
    const { call } = pending;
    try {
      await result;
      await call.answering;
    } catch (error) {
      await this.#fail(call, error);
    }
    this.#settle(call);
    this.#forget(pending);
  }

  /** Answers with the status of the error; with a promise when that takes time. */
  #fail(call: ApplicationCall, error: unknown): unknown {
    const { exchange } = call;
    const status = statusOfError(error);
    withLogContext(call.logContext, () => this.#log(call, status, error));
    this.#onFailure?.(call, status, error);
    if (exchange.isEnded) return undefined;
    if (call.isHandled || exchange.isBegun) {
      // The head is out: the client must see that something is missing.
      exchange.abort(AbortReason.APPLICATION_ERROR);
      return undefined;
    }
    try {
      if (call.responseFields !== undefined) call.response.status = undefined;
      forgetFailedAnswer(call);
      const result = call.respond(this.#errorContent(call, status, error));
      return isPromiseLike(result) ? result : undefined;
    } catch (failure) {
      this.#giveUp(call, failure);
      return undefined;
    }
  }

  /** Messages of our own faults are for the log; the developer sees them in the answer as well, with all there is. */
  #errorContent(call: ApplicationCall, status: number, error: unknown): NoContent | TextContent {
    if (status >= 500 && this.#application.developmentMode) {
      const title = `${status} ${statusText(status)}`;
      const { contentType, body } = errorAnswer(error, call.exchange.head, title, this.#shownPlaces);
      return new TextContent(body, contentType, status, ['Cache-Control', 'no-store']);
    }
    const message = status < 500 ? messageOf(error) : '';
    return message === '' ? new NoContent({ status }) : new TextContent(message, undefined, status);
  }

  #log(call: ApplicationCall, status: number, error: unknown): void {
    const { log } = this.#application;
    if (error instanceof CallAbortedError || call.signalsOrNull?.isAborted === true)
      log.debug(`${call.method} ${call.localPath} was given up: ${messageOf(error)}`, error);
    else if (call.isHandled || call.exchange.isEnded)
      log.error(`${call.method} ${call.localPath} failed behind its answer: ${messageOf(error)}`, error);
    else if (status < 500) log.debug(`${status}: ${call.method} ${call.localPath}: ${messageOf(error)}`);
    else log.error(`${status}: ${call.method} ${call.localPath}: ${messageOf(error)}`, error);
  }

  #giveUp(call: ApplicationCall, failure: unknown): void {
    this.#application.log.error(
      `The error answer for ${call.method} ${call.localPath} failed: ${messageOf(failure)}`,
      failure,
    );
    call.exchange.abort(AbortReason.APPLICATION_ERROR);
  }

  /** The application is done with the call: it must be answered now, and nobody will read the rest of its body. */
  #settle(call: ApplicationCall): void {
    if (!call.exchange.isEnded) {
      this.#application.log.error(`${call.method} ${call.localPath} was not answered by any interceptor.`);
      call.exchange.abort(AbortReason.APPLICATION_ERROR);
    }
    call.signalsOrNull?.body.discard();
  }

  #forget(pending: PendingCall): void {
    this.#pending.remove(pending);
    if (this.#pending.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    this.#idle?.();
    this.#idle = undefined;
  }
}

function giveUp(call: ApplicationCall, reason: AbortReason): void {
  call.exchange.abort(reason);
  call.signals.aborted(reason);
}
