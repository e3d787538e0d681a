import type { ExchangeResult, RefusalReason, RefusedRequest } from '../connector/http1-listener.js';
import type { ConnectionInfo, Exchange } from '../exchange/exchange.js';
import { answerPlainly } from '../runtime/plain-answer.js';
import type { AccessLog } from './access-log.js';
import { deliver } from './deliver.js';
import type { MappedContext, Mapping } from './mapping.js';
import { UNMAPPED_CONTEXT } from './messages.js';
import type { TrafficCounts } from './traffic-counts.js';

/**
 * Takes each request from the connector to the context that answers for it, and writes down how it ended. The context
 * a request began with is the one it is counted for, whatever the mapping becomes meanwhile.
 */
export class Dispatcher {
  readonly #mapping: Mapping;
  readonly #counts: TrafficCounts;
  readonly #accessLog: AccessLog | undefined;

  constructor(mapping: Mapping, counts: TrafficCounts, accessLog: AccessLog | undefined) {
    this.#mapping = mapping;
    this.#counts = counts;
    this.#accessLog = accessLog;
  }

  /** The exchange handler of every connector. */
  readonly handle = (exchange: Exchange): void => {
    const { path } = exchange.head;
    const mapped = this.#mapping.mapper.find(path);
    exchange.attachment = mapped;
    if (mapped === undefined || path === '*') {
      this.#answerUnmapped(exchange);
      return;
    }
    mapped.counters.begin();
    deliver(exchange, mapped);
  };

  /** For a host that this connection is not for: the client asks again on another one (RFC 9110 §15.5.20). */
  refuseMisdirected(exchange: Exchange): void {
    exchange.attachment = undefined;
    this.#counts.unmapped.begin();
    this.#counts.refuse('misdirected-request');
    answerPlainly(exchange, 421, 'This connection was opened for another host.');
  }

  /** An exchange of a connector is over. */
  finished(exchange: Exchange, result: ExchangeResult): void {
    const mapped = exchange.attachment as MappedContext | undefined;
    if (mapped === undefined) {
      this.#counts.unmapped.finish(result);
      this.#accessLog?.record(exchange, result, UNMAPPED_CONTEXT, UNMAPPED_CONTEXT);
      return;
    }
    mapped.counters.finish(result);
    this.#accessLog?.record(exchange, result, mapped.route.context, mapped.route.application);
  }

  /** A connector refused a request, or cut what had become one: that is counted by reason. Only the former is logged. */
  refused(
    reason: RefusalReason,
    status: number,
    connection: ConnectionInfo,
    request: RefusedRequest | undefined,
  ): void {
    this.#counts.refuse(reason);
    if (request !== undefined) this.#accessLog?.recordRefused(reason, status, connection, request);
  }

  #answerUnmapped(exchange: Exchange): void {
    exchange.attachment = undefined;
    this.#counts.unmapped.begin();
    if (exchange.head.path !== '*') {
      answerPlainly(exchange, 404, 'No application is mounted here.');
      return;
    }
    // `OPTIONS *` asks about the server as a whole (RFC 9110 §9.3.7).
    exchange.respond(204, ['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'], undefined);
  }
}
