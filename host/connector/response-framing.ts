import { AbortReason } from '../exchange/exchange.js';

/** How the body of a response ends. */
export const Framing = {
  /** There is none. */
  NONE: 0,
  LENGTH: 1,
  CHUNKED: 2,
  /** With the connection (HTTP/1.0). */
  CLOSE: 3,
  /** Not a body: bytes of another protocol, behind 101. */
  TUNNEL: 4,
} as const;
export type Framing = (typeof Framing)[keyof typeof Framing];

/** A status a response can end an exchange with. */
export function isFinalStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599;
}

/** RFC 9112 §6.3: these end at the empty line whatever their fields say. 205 has no content (RFC 9110 §15.3.6). */
export function mayHaveBody(status: number, method: string): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 205 && status !== 304;
}

/**
 * Content-Length of a response without a body (RFC 9110 §8.6): what GET would have had if that is known, 0 for 205,
 * -1 (none) for 204. `declared` and `bodyBytes` are -1 when unknown.
 */
export function lengthWithoutBody(status: number, declared: number, bodyBytes: number): number {
  if (status === 204) return -1;
  if (status === 205) return 0;
  return declared >= 0 || status === 304 ? declared : bodyBytes;
}

/** Status of the answer when an exchange is given up before its response began. */
export function statusOfAbort(reason: AbortReason): number {
  return STATUSES[reason] ?? 500;
}

/** After these the rest of the request cannot be trusted, or is too much to be read: the connection is closed. */
export function closesConnection(reason: AbortReason): boolean {
  return (
    reason === AbortReason.BODY_TOO_LARGE ||
    reason === AbortReason.BODY_TIMEOUT ||
    reason === AbortReason.BAD_BODY
  );
}

const STATUSES: Readonly<Record<number, number>> = {
  [AbortReason.TIMEOUT]: 504,
  [AbortReason.INSTANCE_GONE]: 502,
  [AbortReason.PROTOCOL_ERROR]: 502,
  [AbortReason.APPLICATION_ERROR]: 500,
  [AbortReason.BODY_TOO_LARGE]: 413,
  [AbortReason.REFUSED]: 503,
  [AbortReason.BODY_TIMEOUT]: 408,
  [AbortReason.BAD_BODY]: 400,
};
