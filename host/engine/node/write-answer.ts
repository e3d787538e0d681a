import { ServerResponse } from 'node:http';
import { currentHttpDate } from '../../http/http-date.js';
import { statusText } from '../../http/status-text.js';
import type { AnswerFields } from './answer-fields.js';

/** What is sent in one piece. */
export interface WholeAnswer {
  readonly status: number;
  readonly fields: AnswerFields;
  /** Content-Length; -1: none. */
  readonly length: number;
  readonly keepsAlive: boolean;
  /** Undefined when there is none, or it must not be sent. */
  readonly body: string | Uint8Array | undefined;
}

/**
 * Sends a whole answer. `writeHead` of Node would check and join all fields once more, and `end` gives head and body to
 * the system as several pieces. Here the head is put where `writeHead` leaves it, with the body if that is ASCII: then
 * all of it is one text. Uses inner names of Node; only for responses that `canWriteAnswer` finds fit.
 */
export function writeAnswer(
  response: ServerResponse,
  { status, fields, length, keepsAlive, body }: WholeAnswer,
): void {
  const inner = response as unknown as InnerResponse;
  let head = statusLine(status) + fields.lines;
  if (length >= 0) head += `Content-Length: ${length}\r\n`;
  if (!fields.hasDate) head += dateLine();
  head += keepsAlive ? keepAliveLines(inner._keepAliveTimeout) : 'Connection: close\r\n\r\n';
  response.statusCode = status;
  response.statusMessage = statusText(status);
  inner._last = !keepsAlive;
  if (typeof body !== 'string' || Buffer.byteLength(body) === body.length) {
    inner._header = typeof body === 'string' ? head + body : head;
    response.end(typeof body === 'string' ? undefined : body);
    return;
  }
  inner._header = head;
  // Node joins head and text and sends both as UTF-8, which is right for a head of ASCII only.
  response.end(Buffer.byteLength(head) === head.length ? body : Buffer.from(body));
}

/** False when Node has other inner names than are known here, or somebody else has a hand in the response. */
export function canWriteAnswer(response: ServerResponse): boolean {
  const inner = response as unknown as InnerResponse;
  return (
    inner._header === null &&
    inner._last === false &&
    inner.chunkedEncoding === false &&
    typeof inner._keepAliveTimeout === 'number' &&
    inner.maxRequestsOnConnectionReached === false &&
    response.writeHead === ServerResponse.prototype.writeHead &&
    response.end === ServerResponse.prototype.end
  );
}

interface InnerResponse {
  _header: string | null;
  /** The connection ends behind this response. */
  _last: boolean;
  readonly chunkedEncoding: boolean;
  readonly _keepAliveTimeout: number;
  readonly maxRequestsOnConnectionReached: boolean;
}

/** The date is the same text for a second. */
let dateText = '';
let dateField = '';

function dateLine(): string {
  const text = currentHttpDate();
  if (text !== dateText) {
    dateText = text;
    dateField = `Date: ${text}\r\n`;
  }
  return dateField;
}

let lastTimeoutMs = -1;
let lastLines = '';

/** As Node writes them: a client that knows when the connection ends does not use it at that moment. */
function keepAliveLines(timeoutMs: number): string {
  if (timeoutMs !== lastTimeoutMs) {
    lastTimeoutMs = timeoutMs;
    const hint = timeoutMs > 0 ? `Keep-Alive: timeout=${Math.floor(timeoutMs / 1000)}\r\n` : '';
    lastLines = `Connection: keep-alive\r\n${hint}\r\n`;
  }
  return lastLines;
}

const STATUS_LINES: string[] = [];

function statusLine(status: number): string {
  STATUS_LINES[status] ??= `HTTP/1.1 ${status} ${statusText(status)}\r\n`;
  return STATUS_LINES[status];
}
