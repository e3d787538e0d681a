import { PorticoError } from '../../errors.js';

/** One server-sent event. All is optional; without data a client keeps id and retry, but tells nobody. */
export interface ServerSentEvent {
  /** A text, of which each line becomes a line of the event; anything else is sent as JSON. */
  readonly data?: unknown;
  /** Kind of the event. Default at the client: `message`. */
  readonly event?: string;
  /** What a client that comes back sends as `Last-Event-ID`. */
  readonly id?: string;
  /** How long the client shall wait before it comes back, in ms. */
  readonly retryMs?: number;
  /** Seen by nobody but who reads the bytes. */
  readonly comment?: string;
}

/**
 * The event in the form of the HTML standard (§9.2.5). `PORTICO_SSE_EVENT` for an id or a kind with a line break, an id
 * with NUL, or a time that is no whole number from 0 on.
 */
export function encodeEvent({ data, event, id, retryMs, comment }: ServerSentEvent): string {
  let text = '';
  if (comment !== undefined) text += lines(': ', comment);
  if (event !== undefined) text += `event: ${oneLine('event', event)}\n`;
  if (data !== undefined) text += lines('data: ', typeof data === 'string' ? data : jsonOf(data));
  if (id !== undefined) text += `id: ${oneLine('id', id)}\n`;
  if (retryMs !== undefined) text += `retry: ${wholeMs(retryMs)}\n`;
  return `${text}\n`;
}

/** A comment by itself: keeps the connection alive. */
export function encodeComment(text: string): string {
  return `${lines(': ', text)}\n`;
}

function lines(prefix: string, text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `${prefix}${line}\n`)
    .join('');
}

function jsonOf(data: unknown): string {
  const text = JSON.stringify(data);
  if (text === undefined) throw invalid('data', typeof data, 'Send a text, or a value that JSON knows');
  return text;
}

function oneLine(field: string, text: string): string {
  if (!/[\r\n\0]/.test(text)) return text;
  throw invalid(field, JSON.stringify(text), 'Leave out line breaks and NUL');
}

function wholeMs(retryMs: number): number {
  if (Number.isSafeInteger(retryMs) && retryMs >= 0) return retryMs;
  throw invalid('retryMs', String(retryMs), 'Use whole milliseconds from 0 on');
}

function invalid(field: string, value: string, advice: string): PorticoError {
  return new PorticoError(
    'PORTICO_SSE_EVENT',
    `The ${field} of a server-sent event cannot be ${value}. ${advice}.`,
  );
}
