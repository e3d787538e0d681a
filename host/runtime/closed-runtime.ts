import type { Exchange } from '../exchange/exchange.js';
import type { Runtime } from './mount.js';
import { answerPlainly } from './plain-answer.js';

/** Why nothing is served for now, by the will of the operator. */
export interface Closure {
  /** For clients. */
  readonly reason: string;
  /** HTML of the operator, for whoever asks for it. Absent: a plain page with the reason. */
  readonly page?: string;
  readonly retryAfterSeconds: number;
  /** Connections end behind the answer, so that a load balancer looks for another host. */
  readonly endsConnections?: boolean;
}

/** 503 with the page of the operator (RFC 9110 §15.6.4). */
export function answerClosed(exchange: Exchange, closure: Closure): void {
  const { reason, page, retryAfterSeconds, endsConnections } = closure;
  const fields = ['retry-after', String(retryAfterSeconds)];
  // RFC 9112 §9.6: the last answer on this connection.
  if (endsConnections === true) fields.push('connection', 'close');
  // The operator's page is for everybody, unless somebody says that he wants something else.
  if (page === undefined || !takesHtml(exchange)) {
    answerPlainly(exchange, 503, reason, fields);
    return;
  }
  fields.push('content-type', 'text/html; charset=utf-8', 'cache-control', 'no-store');
  exchange.respond(503, [...fields, 'x-content-type-options', 'nosniff'], page);
}

function takesHtml({ head }: Exchange): boolean {
  const accept = head.fields.get('accept');
  return accept === undefined || accept.includes('text/html') || accept.includes('*/*');
}

/** A context that is closed for maintenance. What stands behind it goes on, and finishes what it has. */
export class ClosedRuntime implements Runtime {
  readonly openExchanges = 0;
  readonly #closure: Closure;

  constructor(closure: Closure) {
    this.#closure = closure;
  }

  handle(exchange: Exchange): void {
    answerClosed(exchange, this.#closure);
  }

  retire(onIdle: () => void): void {
    setImmediate(onIdle);
  }

  revive(): void {
    // Nothing is ever open here, so there is nothing to undo.
  }
}
