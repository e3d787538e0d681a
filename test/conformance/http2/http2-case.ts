import { Flag, type FrameClient } from '#test/support/http2/frame-client.js';
import type { TestField } from '#test/support/http2/hpack.js';

/**
 * One thing a client may do on a fresh connection, and what may become of it: the status of `stream`, `RST` or `GOAWAY`
 * with the code, or `closed`. Sections without a number of an RFC are of RFC 9113.
 */
export interface Http2Case {
  readonly section: string;
  readonly title: string;
  readonly send: Send;
  readonly accept: readonly string[];
  readonly stream: number;
  /** The error is one of the stream: the connection works afterwards. */
  readonly lives: boolean;
  /** Whatever is answered, the application has seen none of the fields beside Host. */
  readonly drops: boolean;
}

export type Send = (client: FrameClient) => void;

export const WHOLE = Flag.END_STREAM | Flag.END_HEADERS;
export const OK: readonly string[] = ['200'];
/** Malformed requests are answered with 400, or reset (§8.1.1). */
export const MALFORMED: readonly string[] = ['400', 'RST PROTOCOL_ERROR'];

/** A connection error, by any of these codes; it may also just be closed (§5.4.1). */
export function goaway(...codes: string[]): string[] {
  return [...codes.map((code) => `GOAWAY ${code}`), 'closed'];
}

/** One HEADERS frame on stream 1. */
export function asks(fields: readonly TestField[], flags: number = WHOLE): Send {
  return (client) => client.headers(1, fields, flags);
}

/** Any frames. */
export function sends(...parts: readonly Buffer[]): Send {
  return (client) => client.send(...parts);
}

export function outcome(
  section: string,
  title: string,
  accept: readonly string[],
  send: Send,
  stream = 1,
): Http2Case {
  return { section, title, send, accept, stream, lives: false, drops: false };
}

/** As `outcome`, and the connection works afterwards. */
export function survives(
  section: string,
  title: string,
  accept: readonly string[],
  send: Send,
  stream = 1,
): Http2Case {
  return { ...outcome(section, title, accept, send, stream), lives: true };
}

export function fatal(
  section: string,
  title: string,
  codes: readonly string[],
  ...parts: readonly Buffer[]
): Http2Case {
  return outcome(section, title, goaway(...codes), sends(...parts));
}

export function malformed(
  section: string,
  title: string,
  fields: readonly TestField[],
  flags?: number,
): Http2Case {
  return survives(section, title, MALFORMED, asks(fields, flags));
}

/**
 * A malformed field. `node:http2` takes it away instead of refusing the request, and tells nobody; so what is held is that
 * nothing of it reaches the application.
 */
export function dropped(
  section: string,
  title: string,
  field: TestField,
  fields: readonly TestField[],
): Http2Case {
  return { ...survives(section, title, [...MALFORMED, ...OK], asks([...fields, field])), drops: true };
}

export function served(
  section: string,
  title: string,
  fields: readonly TestField[],
  flags?: number,
): Http2Case {
  return survives(section, title, OK, asks(fields, flags));
}
