import type { Exchange } from '../exchange/exchange.js';
import type { Runtime } from './mount.js';
import { answerPlainly } from './plain-answer.js';

/**
 * A context that cannot answer now: starting, stopped, failed. It keeps its path, so that nothing else answers in its
 * place, and says when to come back.
 */
export class UnavailableRuntime implements Runtime {
  readonly openExchanges = 0;
  readonly #reason: string;
  readonly #retryAfter: readonly string[];

  constructor(reason: string, retryAfterSeconds: number) {
    this.#reason = reason;
    this.#retryAfter = ['retry-after', String(Math.max(0, Math.ceil(retryAfterSeconds)))];
  }

  handle(exchange: Exchange): void {
    // RFC 9110 §15.6.4: a 503 may say when to come back.
    answerPlainly(exchange, 503, this.#reason, this.#retryAfter);
  }

  retire(onIdle: () => void): void {
    setImmediate(onIdle);
  }

  revive(): void {
    // Nothing is ever open here, so there is nothing to undo.
  }
}
