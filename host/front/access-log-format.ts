import type { ExchangeResult } from '../connector/http1-listener.js';
import type { Exchange } from '../exchange/exchange.js';
import type { FieldBlock } from '../http/field-block.js';
import { ESCAPED_BYTES, type Escaping, type LogChunk } from './log-chunk.js';

/**
 * Puts one line of the access log, with its line end, into `out`, which has room for `MAX_LINE_BYTES`. `time` is the
 * end of the exchange, milliseconds since the epoch.
 */
export type AccessLogFormat = (
  out: LogChunk,
  exchange: Exchange,
  result: ExchangeResult,
  context: string,
  application: string,
  applicationVersion: string,
  time: number,
) => void;

/** Characters of what a client sent that are logged; longer values are cut, with `...` behind them. */
export const LIMITS = {
  method: 64,
  target: 8192,
  host: 256,
  context: 1024,
  applicationVersion: 256,
  referer: 2048,
  userAgent: 2048,
} as const;

/** In place of the address of a client that came by a Unix socket, as nginx has it. */
export const UNIX_PEER = 'unix:';

/** Longest line: everything at its limit and escaped. */
export const MAX_LINE_BYTES =
  1024 +
  ESCAPED_BYTES *
    (LIMITS.method +
      LIMITS.target +
      LIMITS.host +
      3 * LIMITS.context +
      LIMITS.applicationVersion +
      LIMITS.referer +
      LIMITS.userAgent);

/**
 * The combined format of Apache and nginx. In the place of the user stands the application that calls, if one does.
 * Times are UTC. Whatever a client may write is escaped as `\xHH` (quotes, backslashes, and everything outside
 * printable ASCII), so an event is one line and a terminal shows it unharmed.
 */
export function combinedFormat(): AccessLogFormat {
  const clock = new SecondClock(clfTime);
  return (out, exchange, result, _context, _application, _version, time) => {
    const { head } = exchange;
    out.text(head.connection.remoteAddress || UNIX_PEER);
    const { caller } = head.connection;
    if (caller === undefined) out.text(' - - ');
    else {
      out.text(' - ');
      out.foreignText(caller, LIMITS.context, 'hex');
      out.text(' ');
    }
    out.text(clock.at(time));
    out.text(' "');
    out.foreignText(head.method, LIMITS.method, 'hex');
    out.text(' ');
    putTarget(out, exchange, 'hex');
    out.text(' HTTP/');
    out.text(head.version);
    out.text('" ');
    if (result.status === 0) out.text('-');
    else out.integer(result.status);
    out.text(' ');
    out.integer(result.bytesOut);
    out.text(' "');
    if (!putField(out, head.fields, 'referer', LIMITS.referer, 'hex')) out.text('-');
    out.text('" "');
    if (!putField(out, head.fields, 'user-agent', LIMITS.userAgent, 'hex')) out.text('-');
    out.text('"\n');
  };
}

/**
 * One JSON object a line: `time` (RFC 3339, UTC, the end of the exchange), `remote`, `method`, `host`, `target`,
 * `version`, `status` (0: ended without one), `bytesIn`, `bytesOut`, `durationMs`, `context`, `application`,
 * `applicationVersion` (only if it has one: the version that answered), `caller` (only of calls: the application that
 * calls), `referer`, `userAgent` (both only if sent), `aborted` (only if true). Printable ASCII only; the rest is
 * `\uHHHH`.
 */
export function jsonFormat(): AccessLogFormat {
  const clock = new SecondClock(rfc3339Time);
  return (out, exchange, result, context, application, applicationVersion, time) => {
    const { head } = exchange;
    out.text('{"time":"');
    out.text(clock.at(time));
    out.text('","remote":"');
    out.text(head.connection.remoteAddress || UNIX_PEER);
    out.text('","method":"');
    out.foreignText(head.method, LIMITS.method, 'json');
    out.text('","host":"');
    out.foreignText(head.authority, LIMITS.host, 'json');
    out.text('","target":"');
    putTarget(out, exchange, 'json');
    out.text('","version":"');
    out.text(head.version);
    out.text('","status":');
    out.integer(result.status);
    out.text(',"bytesIn":');
    out.integer(result.bytesIn);
    out.text(',"bytesOut":');
    out.integer(result.bytesOut);
    out.text(',"durationMs":');
    putMilliseconds(out, result.durationMs);
    out.text(',"context":"');
    out.foreignText(context, LIMITS.context, 'json');
    out.text('","application":"');
    out.foreignText(application, LIMITS.context, 'json');
    if (applicationVersion !== '') {
      out.text('","applicationVersion":"');
      out.foreignText(applicationVersion, LIMITS.applicationVersion, 'json');
    }
    const { caller } = head.connection;
    if (caller !== undefined) {
      out.text('","caller":"');
      out.foreignText(caller, LIMITS.context, 'json');
    }
    if (head.fields.has('referer')) {
      out.text('","referer":"');
      putField(out, head.fields, 'referer', LIMITS.referer, 'json');
    }
    if (head.fields.has('user-agent')) {
      out.text('","userAgent":"');
      putField(out, head.fields, 'user-agent', LIMITS.userAgent, 'json');
    }
    out.text(result.aborted ? '","aborted":true}\n' : '"}\n');
  };
}

/** Text of the current second; made once a second. */
export class SecondClock {
  readonly #textOf: (time: number) => string;
  #second = -1;
  #text = '';

  constructor(textOf: (time: number) => string) {
    this.#textOf = textOf;
  }

  at(time: number): string {
    const second = Math.trunc(time / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = this.#textOf(second * 1000);
    }
    return this.#text;
  }
}

function putTarget(out: LogChunk, exchange: Exchange, escaping: Escaping): void {
  const { path, query } = exchange.head;
  out.foreignText(path, LIMITS.target / 2, escaping);
  if (query === undefined) return;
  out.text('?');
  out.foreignText(query, LIMITS.target / 2, escaping);
}

/** Puts the value of a field; false when there is none. */
function putField(
  out: LogChunk,
  fields: FieldBlock,
  lowerName: string,
  limit: number,
  escaping: Escaping,
): boolean {
  const index = fields.indexOf(lowerName, 0);
  if (index < 0) return false;
  const { bytes, offsets } = fields;
  const start = offsets[index * 4 + 2] as number;
  const end = offsets[index * 4 + 3] as number;
  out.foreignBytes(bytes, start, end, limit, escaping);
  return true;
}

/** With three decimals: JSON takes `1.500` as it takes `1.5`. */
function putMilliseconds(out: LogChunk, milliseconds: number): void {
  const micros = Math.max(0, Math.round(milliseconds * 1000));
  const whole = Math.floor(micros / 1000);
  const rest = micros - whole * 1000;
  out.integer(whole);
  out.text(rest < 10 ? '.00' : rest < 100 ? '.0' : '.');
  out.integer(rest);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `2026-11-22T10:00:00Z`. */
export function rfc3339Time(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** `[22/Nov/2026:10:00:00 +0000]`. */
export function clfTime(time: number): string {
  const date = new Date(time);
  const two = (number: number): string => String(number).padStart(2, '0');
  return (
    `[${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:` +
    `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000]`
  );
}
