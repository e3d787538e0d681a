import type { RedirectSettings } from '../config/redirect-settings.js';
import type { UnknownHostPolicy, VirtualHosts } from '../config/virtual-hosts.js';
import type { ExchangeResult, RefusalReason, RefusedRequest } from '../connector/http1-listener.js';
import type { WaivableRule } from '../connector/waiver.js';
import {
  AbortReason,
  type ConnectionInfo,
  type Exchange,
  type ExchangeHandler,
  type RequestHead,
} from '../exchange/exchange.js';
import { isInternalAuthority } from '../http/internal-name.js';
import { answerClosed, type Closure } from '../runtime/closed-runtime.js';
import { answerPlainly } from '../runtime/plain-answer.js';
import type { AccessLog } from './access-log.js';
import { deliver } from './deliver.js';
import { DEFAULT_HOST, HostNames } from './host-names.js';
import { CHALLENGE_FIELDS, HttpChallenges, type HttpChallengeTokens } from './http-challenges.js';
import type { MappedContext, Mapping } from './mapping.js';
import { type FrontSettings, UNMAPPED_CONTEXT } from './messages.js';
import { answerRedirect } from './redirect.js';
import type { TrafficCounts } from './traffic-counts.js';

/**
 * Takes each request from the connector to the context that answers for it, and writes down how it ended. The context
 * a request began with is the one it is counted for, whatever the mapping becomes meanwhile.
 */
export class Dispatcher {
  readonly #mapping: Mapping;
  readonly #counts: TrafficCounts;
  #accessLog: AccessLog | undefined;
  /** Undefined: one host answers for every name. */
  #hosts: HostNames | undefined;
  #unknownHost: UnknownHostPolicy = 'default';
  /** Answers before anything is looked up, if it wants to. Undefined unless there is a reason; so it costs nothing otherwise. */
  #gate: ((exchange: Exchange) => boolean) | undefined;
  #challenges: HttpChallenges | undefined;
  #closure: Closure | undefined;
  #closedHosts: ReadonlyMap<string, Closure> | undefined;

  /** `virtualHosts` as the mapping was made with or without. */
  constructor(
    mapping: Mapping,
    counts: TrafficCounts,
    accessLog: AccessLog | undefined,
    virtualHosts: VirtualHosts | undefined,
  ) {
    this.#mapping = mapping;
    this.#counts = counts;
    this.#accessLog = accessLog;
    this.useVirtualHosts(virtualHosts);
  }

  /** From now on; the mapping has to know whether there are any. */
  useVirtualHosts(virtualHosts: VirtualHosts | undefined): void {
    this.#hosts = virtualHosts === undefined ? undefined : new HostNames(virtualHosts);
    this.#unknownHost = virtualHosts?.unknownHost ?? 'default';
  }

  /** Requests that end from now on are recorded there. The caller closes the one before. */
  useAccessLog(accessLog: AccessLog | undefined): void {
    this.#accessLog = accessLog;
  }

  /** The exchange handler of every connector. */
  readonly handle = (exchange: Exchange): void => {
    if (this.#gate?.(exchange) === true) return;
    const { path, authority } = exchange.head;
    if (isInternalAuthority(authority)) {
      this.#refuseInternal(exchange);
      return;
    }
    const host = this.#hosts === undefined ? DEFAULT_HOST : this.#hosts.find(authority);
    if (host === undefined) {
      this.#answerUnknownHost(exchange);
      return;
    }
    const mapped = this.#find(host, path);
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

  /** Tells every connector whether the context of a request has waived a rule. */
  readonly waives = (rule: WaivableRule, head: RequestHead): boolean => {
    const host = this.#hosts === undefined ? DEFAULT_HOST : this.#hosts.find(head.authority);
    if (host === undefined || head.path === '*') return false;
    const passes = this.#find(host, head.path)?.route.passes;
    if (passes === undefined) return false;
    return rule === 'trace' ? passes.trace : passes.malformedEscapes;
  };

  /** The exchange handler of a connector that serves nothing itself. */
  redirecting(settings: RedirectSettings): ExchangeHandler {
    return (exchange) => {
      if (this.#gate?.(exchange) === true) return;
      exchange.attachment = undefined;
      this.#counts.unmapped.begin();
      answerRedirect(exchange, settings);
    };
  }

  /** These are answered from now on, and no others. */
  setChallenges(tokens: HttpChallengeTokens): void {
    this.#challenges = Object.keys(tokens).length === 0 ? undefined : new HttpChallenges(tokens);
    this.#setGate();
  }

  /** Nothing else is answered from now on, at all or on some hosts; undefined: as ever. */
  close({ closed, closedHosts }: Pick<FrontSettings, 'closed' | 'closedHosts'>): void {
    this.#closure = closed;
    const hosts = Object.entries(closedHosts ?? {});
    this.#closedHosts = hosts.length === 0 ? undefined : new Map(hosts);
    this.#setGate();
  }

  /**
   * What is answered in the place of the contexts of this host, also to applications. A suspension is for clients: what they
   * have begun is to end well.
   */
  closureOf(host: string): Closure | undefined {
    const closure = this.#closure?.endsConnections === true ? undefined : this.#closure;
    return closure ?? this.#closedHosts?.get(host);
  }

  /** An exchange of a connector is over. */
  finished(exchange: Exchange, result: ExchangeResult): void {
    const mapped = exchange.attachment as MappedContext | undefined;
    if (mapped === undefined) {
      this.#counts.unmapped.finish(result);
      this.#accessLog?.record(exchange, result, UNMAPPED_CONTEXT, UNMAPPED_CONTEXT, '');
      return;
    }
    mapped.counters.finish(result);
    const { deployment } = mapped;
    if (deployment !== undefined) {
      deployment.finish(result.status);
      deployment.drain?.over(exchange.head, result);
    }
    const { context, application, version } = mapped.route;
    this.#accessLog?.record(exchange, result, context, application, version);
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

  #setGate(): void {
    const challenges = this.#challenges;
    if (challenges === undefined && this.#closure === undefined && this.#closedHosts === undefined) {
      this.#gate = undefined;
      return;
    }
    this.#gate = (exchange) => {
      if (challenges !== undefined && this.#answerChallenge(exchange, challenges)) return true;
      const closure = this.#closure ?? this.#closureOfHost(exchange);
      if (closure === undefined) return false;
      exchange.attachment = undefined;
      this.#counts.unmapped.begin();
      this.#counts.refuse(closure.endsConnections === true ? 'suspended' : 'maintenance');
      answerClosed(exchange, closure);
      return true;
    };
  }

  #closureOfHost({ head }: Exchange): Closure | undefined {
    if (this.#closedHosts === undefined || this.#hosts === undefined) return undefined;
    const host = this.#hosts.find(head.authority);
    return host === undefined ? undefined : this.#closedHosts.get(host);
  }

  #find(host: string, path: string): MappedContext | undefined {
    return this.#hosts === undefined ? this.#mapping.mapper.find(path) : this.#mapping.findOn(host, path);
  }

  #answerUnknownHost(exchange: Exchange): void {
    exchange.attachment = undefined;
    this.#counts.unmapped.begin();
    this.#counts.refuse('unknown-host');
    switch (this.#unknownHost) {
      case 'close':
        exchange.abort(AbortReason.CANCELLED);
        return;
      case 421:
        // RFC 9110 §15.5.20: this server does not answer for the authority of the request.
        answerPlainly(exchange, 421, 'This host does not answer for the name in the request.');
        return;
      default:
        answerPlainly(exchange, 404, 'This host has no such name.');
    }
  }

  /** Applications call each other by these names, by another way. From outside nobody is to look as if he did. */
  #refuseInternal(exchange: Exchange): void {
    exchange.attachment = undefined;
    this.#counts.unmapped.begin();
    this.#counts.refuse('internal-host');
    answerPlainly(exchange, 421, 'This name is for applications of the host.');
  }

  #answerChallenge(exchange: Exchange, challenges: HttpChallenges): boolean {
    const answer = challenges.find(exchange);
    if (answer === undefined) return false;
    exchange.attachment = undefined;
    this.#counts.unmapped.begin();
    exchange.respond(200, CHALLENGE_FIELDS, answer);
    return true;
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
