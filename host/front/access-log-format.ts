import type { ExchangeResult } from '../connector/http1-listener.js';
import type { Exchange } from '../exchange/exchange.js';

/** One line of the access log, with its line end. `time` is the end of the exchange, milliseconds since the epoch. */
export type AccessLogFormat = (
  exchange: Exchange,
  result: ExchangeResult,
  context: string,
  application: string,
  time: number,
) => string;

/**
 * The combined format of Apache and nginx. Times are UTC. Whatever a client may write is escaped as `\xHH` (quotes,
 * backslashes, and everything outside printable ASCII), so an event is one line and a terminal shows it unharmed.
 */
export function combinedFormat(): AccessLogFormat {
  const clock = new SecondClock(clfTime);
  return (exchange, result, _context, _application, time) => {
    const { head } = exchange;
    const { fields } = head;
    return (
      `${head.connection.remoteAddress} - - ${clock.at(time)} ` +
      `"${escaped(head.method)} ${escaped(targetOf(exchange))} HTTP/${head.version}" ` +
      `${result.status === 0 ? '-' : result.status} ${result.bytesOut} ` +
      `"${escaped(fields.get('referer') ?? '-')}" "${escaped(fields.get('user-agent') ?? '-')}"\n`
    );
  };
}

/**
 * One JSON object a line: `time` (RFC 3339, UTC, the end of the exchange), `remote`, `method`, `host`, `target`,
 * `version`, `status` (0: ended without one), `bytesIn`, `bytesOut`, `durationMs`, `context`, `application`,
 * `referer`, `userAgent` (both only if sent), `aborted` (only if true). Printable ASCII only; the rest is `\uHHHH`.
 */
export function jsonFormat(): AccessLogFormat {
  const clock = new SecondClock((time) => `${new Date(time).toISOString().slice(0, 19)}Z`);
  return (exchange, result, context, application, time) => {
    const { head } = exchange;
    const { fields } = head;
    const referer = fields.get('referer');
    const userAgent = fields.get('user-agent');
    return (
      `{"time":"${clock.at(time)}","remote":"${head.connection.remoteAddress}","method":${quoted(head.method)},` +
      `"host":${quoted(head.authority)},"target":${quoted(targetOf(exchange))},"version":"${head.version}",` +
      `"status":${result.status},"bytesIn":${result.bytesIn},"bytesOut":${result.bytesOut},` +
      `"durationMs":${Math.round(result.durationMs * 1000) / 1000},"context":${quoted(context)},` +
      `"application":${quoted(application)}` +
      (referer === undefined ? '' : `,"referer":${quoted(referer)}`) +
      (userAgent === undefined ? '' : `,"userAgent":${quoted(userAgent)}`) +
      (result.aborted ? ',"aborted":true}\n' : '}\n')
    );
  };
}

/** Text of the current second; made once a second. */
class SecondClock {
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

function targetOf(exchange: Exchange): string {
  const { path, query } = exchange.head;
  return query === undefined ? path : `${path}?${query}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function clfTime(time: number): string {
  const date = new Date(time);
  const two = (number: number): string => String(number).padStart(2, '0');
  return (
    `[${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:` +
    `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000]`
  );
}

const UNSAFE = /[^\x20-\x7e]|["\\]/;
const UNSAFE_ALL = /[^\x20-\x7e]|["\\]/g;

function escaped(text: string): string {
  return UNSAFE.test(text) ? text.replace(UNSAFE_ALL, hexEscape) : text;
}

/** Field values are ISO-8859-1, so two digits are enough for them; anything wider gets what JSON gives it. */
function hexEscape(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}` : unicodeEscape(character);
}

function quoted(text: string): string {
  if (!UNSAFE.test(text)) return `"${text}"`;
  return `"${text.replace(UNSAFE_ALL, (character) =>
    character === '"' || character === '\\' ? `\\${character}` : unicodeEscape(character),
  )}"`;
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
