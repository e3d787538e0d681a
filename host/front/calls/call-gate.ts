import { effectiveRequestHead } from '../../connector/forwarding/effective-request-head.js';
import type { ConnectionInfo, Exchange, RequestHead } from '../../exchange/exchange.js';
import { FieldBlock } from '../../http/field-block.js';
import { withoutForwardedFields } from '../../http/forwarded-fields.js';
import { hostOfAuthority } from '../../http/host-name.js';
import { callerName, internalHostOf, isInternalHost } from '../../http/internal-name.js';
import { answerClosed } from '../../runtime/closed-runtime.js';
import { answerPlainly } from '../../runtime/plain-answer.js';
import { deliver } from '../deliver.js';
import type { Dispatcher } from '../dispatcher.js';
import type { Mapping } from '../mapping.js';
import type { TrafficCounts } from '../traffic-counts.js';
import { type CallRefusal, CallTally } from './call-tally.js';
import { type Caller, openCaller } from './call-token.js';
import { CalledExchange } from './called-exchange.js';

/** Applications one behind the other that a request may go through. */
const MAX_HOPS = 10;
/** Calls of one application that a front has under way. */
const MAX_UNDER_WAY = 1000;

/**
 * Takes the calls of applications, from the socket that only they know, to the applications they name. Finds out who
 * calls, and whether it may; from the mapping on a call is a request as any other. What only the host can say, the
 * application is told by fields, which nobody else can send.
 */
export class CallGate {
  readonly tally = new CallTally();
  readonly #key: Buffer;
  readonly #mapping: Pick<Mapping, 'findApplication'>;
  readonly #counts: TrafficCounts;
  readonly #dispatcher: Pick<Dispatcher, 'closureOf'>;

  /** `key` as of `sealCaller`, hex. */
  constructor(
    key: string,
    mapping: Pick<Mapping, 'findApplication'>,
    counts: TrafficCounts,
    dispatcher: Pick<Dispatcher, 'closureOf'>,
  ) {
    this.#key = Buffer.from(key, 'hex');
    this.#mapping = mapping;
    this.#counts = counts;
    this.#dispatcher = dispatcher;
  }

  /** The exchange handler of the socket. */
  readonly handle = (exchange: Exchange): void => {
    const { head } = exchange;
    const caller = openCaller(this.#key, head.fields.get('portico-token') ?? '');
    const open: { head: RequestHead } = exchange;
    const name = caller === undefined ? '' : callerName(caller.application);
    const hops = hopsOf(head.fields);
    open.head = headOf(head, name, hops);
    const host = hostOfAuthority(head.authority);
    if (caller === undefined) {
      this.#refuse(exchange, NOBODY, '', 'call-unproven', 'The call does not prove who calls.');
      return;
    }
    if (!isInternalHost(host)) {
      const text = `Calls go to NAME.portico.internal, not to ${host}.`;
      this.#refuse(exchange, caller, '', 'call-host', text);
      return;
    }
    const target = caller.calls.find((one) => internalHostOf(one) === host);
    if (target === undefined) {
      const text = `${name} may not call ${host}. Its list has ${caller.calls.join(', ')}; add the name to "calls".`;
      this.#refuse(exchange, caller, '', 'call-not-allowed', text);
      return;
    }
    if (hops >= MAX_HOPS) {
      const text = `The request has gone through ${hops} applications; it seems to go round.`;
      this.#refuse(exchange, caller, target, 'call-loop', text);
      return;
    }
    if (this.tally.underWay(name) >= MAX_UNDER_WAY) {
      const text = `${name} has ${MAX_UNDER_WAY} calls under way.`;
      this.#refuse(exchange, caller, target, 'call-limit', text, ['retry-after', '1']);
      return;
    }
    const mapped = this.#mapping.findApplication(target);
    if (mapped === undefined) {
      this.#refuse(exchange, caller, target, 'call-unknown', `No application ${target} is deployed here.`);
      return;
    }
    const closure = this.#dispatcher.closureOf(mapped.host);
    if (closure !== undefined) {
      exchange.attachment = undefined;
      this.#counts.unmapped.begin();
      this.#counts.refuse('maintenance');
      answerClosed(exchange, closure);
      return;
    }
    this.tally.begin(name, target);
    mapped.counters.begin();
    // `OPTIONS *` is about the application as a whole.
    open.head = { ...exchange.head, path: mapped.path + (head.path === '*' ? '/' : head.path) };
    deliver(mapped.path === '' ? exchange : new CalledExchange(exchange, mapped.path), mapped);
  };

  /** An exchange of the socket is over. */
  finished(exchange: Exchange): void {
    const { caller } = exchange.head.connection;
    if (caller !== undefined && exchange.attachment !== undefined) this.tally.end(caller);
  }

  #refuse(
    exchange: Exchange,
    { application }: Pick<Caller, 'application'>,
    target: string,
    reason: CallRefusal,
    text: string,
    extra: readonly string[] = [],
  ): void {
    exchange.attachment = undefined;
    this.#counts.unmapped.begin();
    this.tally.refuse(callerName(application), target, reason, hostOfAuthority(exchange.head.authority));
    answerPlainly(exchange, STATUS[reason], text, [...extra, 'portico-problem', reason]);
  }
}

const STATUS: Readonly<Record<CallRefusal, number>> = {
  'call-unproven': 403,
  // RFC 9110 §15.5.20: nobody here answers for that authority.
  'call-host': 421,
  'call-not-allowed': 403,
  'call-unknown': 502,
  // RFC 5842 §7.2.
  'call-loop': 508,
  'call-limit': 503,
};

const NOBODY = { application: '' };

/** Applications that the request has gone through; a value that nobody has made here counts as none. */
function hopsOf(fields: FieldBlock): number {
  const text = fields.get('portico-hops') ?? '';
  return /^\d{1,4}$/.test(text) ? Number(text) : 0;
}

/** What the application is to see: who calls, and nothing that the caller says of others. */
function headOf(head: RequestHead, caller: string, hops: number): RequestHead {
  const fields = withoutForwardedFields(head.fields).flat();
  if (caller !== '') fields.push('Portico-Caller', caller, 'Portico-Hops', String(hops + 1));
  const connection: ConnectionInfo = { ...LOOPBACK, ...(caller === '' ? {} : { caller }) };
  return effectiveRequestHead(head, {
    fields: FieldBlock.of(fields),
    connection,
    authority: head.authority,
  });
}

/** A call comes from this host, and as little as a request over its loopback has an address of its own. */
const LOOPBACK: ConnectionInfo = {
  remoteAddress: '127.0.0.1',
  remotePort: 0,
  localAddress: '127.0.0.1',
  localPort: 0,
  isSecure: false,
};
