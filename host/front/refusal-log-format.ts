import type { RefusalReason, RefusedRequest } from '../connector/http1-listener.js';
import { clfTime, LIMITS, rfc3339Time, SecondClock, UNIX_PEER } from './access-log-format.js';
import type { LogChunk } from './log-chunk.js';
import { UNMAPPED_CONTEXT } from './messages.js';

/** A request that never became an exchange, as the access log sees it. */
export interface Refusal extends RefusedRequest {
  readonly reason: RefusalReason;
  /** Status of the answer. */
  readonly status: number;
  readonly remoteAddress: string;
}

/** Puts one line, with its line end, into `out`, which has room for `MAX_LINE_BYTES`. `time`: milliseconds since the epoch. */
export type RefusalLogFormat = (out: LogChunk, refusal: Refusal, time: number) => void;

/**
 * As the combined format of requests: the first line of what came stands where the request line is, whatever it holds,
 * escaped. Referer and user agent are `-`: nothing behind the first line of such a request is believed.
 */
export function combinedRefusalFormat(): RefusalLogFormat {
  const clock = new SecondClock(clfTime);
  return (out, { head, status, bytesOut, remoteAddress }, time) => {
    const line = firstLineOf(head);
    out.text(remoteAddress || UNIX_PEER);
    out.text(' - - ');
    out.text(clock.at(time));
    out.text(' "');
    out.foreignBytes(head, line.start, line.end, LIMITS.target, 'hex');
    out.text('" ');
    out.integer(status);
    out.text(' ');
    out.integer(bytesOut);
    out.text(' "-" "-"\n');
  };
}

/**
 * As the JSON format of requests, with `refused`, the reason as in `portico_refused_total`. `method`, `target` and
 * `version` are there when the first line looks like a request line, else `line` holds it as it came. What is not known
 * is left out: `host`, `bytesIn`, `durationMs`, `referer`, `userAgent`.
 */
export function jsonRefusalFormat(): RefusalLogFormat {
  const clock = new SecondClock(rfc3339Time);
  return (out, { head, reason, status, bytesOut, remoteAddress }, time) => {
    out.text('{"time":"');
    out.text(clock.at(time));
    out.text('","remote":"');
    out.text(remoteAddress || UNIX_PEER);
    putRequestLine(out, head);
    out.text('","status":');
    out.integer(status);
    out.text(',"bytesOut":');
    out.integer(bytesOut);
    out.text(`,"context":"${UNMAPPED_CONTEXT}","application":"${UNMAPPED_CONTEXT}","refused":"${reason}"}\n`);
  };
}

function putRequestLine(out: LogChunk, head: Uint8Array): void {
  const { start, end } = firstLineOf(head);
  const methodEnd = head.indexOf(SP, start);
  const targetEnd = head.indexOf(SP, methodEnd + 1);
  const isRequestLine = methodEnd > start && targetEnd > methodEnd + 1 && isVersion(head, targetEnd + 1, end);
  if (!isRequestLine) {
    out.text('","line":"');
    out.foreignBytes(head, start, end, LIMITS.target, 'json');
    return;
  }
  out.text('","method":"');
  out.foreignBytes(head, start, methodEnd, LIMITS.method, 'json');
  out.text('","target":"');
  out.foreignBytes(head, methodEnd + 1, targetEnd, LIMITS.target, 'json');
  out.text('","version":"');
  out.foreignBytes(head, targetEnd + 1 + HTTP_SLASH.length, end, LIMITS.method, 'json');
}

/** `HTTP/` and three characters, and nothing behind them. */
function isVersion(head: Uint8Array, start: number, end: number): boolean {
  if (end - start !== HTTP_SLASH.length + 3) return false;
  for (let i = 0; i < HTTP_SLASH.length; i++) if (head[start + i] !== HTTP_SLASH.charCodeAt(i)) return false;
  return true;
}

/** The empty line that may come before a request line is passed over, as the parser does. */
function firstLineOf(head: Uint8Array): { readonly start: number; readonly end: number } {
  const start = head[0] === CR && head[1] === LF ? 2 : 0;
  const lineFeed = head.indexOf(LF, start);
  const end = lineFeed < 0 ? head.length : lineFeed;
  return { start, end: end > start && head[end - 1] === CR ? end - 1 : end };
}

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const HTTP_SLASH = 'HTTP/';
