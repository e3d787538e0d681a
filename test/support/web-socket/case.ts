/** One conversation: what the client sends, what it must get. */
export interface FrameCase {
  readonly name: string;
  /** Section of RFC 6455, or of another RFC with its number. */
  readonly rfc: string;
  /** What the client offers as `Sec-WebSocket-Extensions`; the server agrees on it. */
  readonly extensions?: string;
  /** What goes before, and is answered before the rest is sent. */
  readonly first?: { readonly send: readonly Buffer[]; readonly gets: readonly string[] };
  readonly send: readonly Buffer[];
  /**
   * Events (`told`), in order. When the last one is a close frame, the server must end the connection behind it.
   * Otherwise the session must still be open: it is closed with 1000 and that must be answered.
   */
  readonly gets: readonly string[];
  /** Where a plain `ws` application does something else, and the front cannot help it: what, and why. */
  readonly ws?: {
    readonly why: string;
    readonly gets: readonly string[];
    /** What has to be sent besides before `ws` notices. */
    readonly send?: readonly Buffer[];
  };
}

/** Cases under one heading. */
export type CaseTable = readonly (readonly [group: string, cases: readonly FrameCase[]])[];

/** The server found a violation and said so. */
export const PROTOCOL_ERROR = 'close 1002';
export const BAD_DATA = 'close 1007';
export const TOO_LARGE = 'close 1009';
