/**
 * HTTP/2 on one connector. Limits that HTTP/1.1 has too (header size and count, timeouts, connections, requests on a
 * connection) are those of the connector. Plain data: the server sends it to the fronts.
 */
export interface Http2Settings {
  /** Requests one connection may have open at a time; announced. A stream beyond it is refused. */
  readonly maxConcurrentStreams: number;
  /**
   * Announced size of a header section, counted with 32 bytes for each field (RFC 9113 §6.5.2). Beyond it a stream is
   * reset; smaller ones that break a limit of the connector get 414 or 431.
   */
  readonly maxHeaderListBytes: number;
  /** Bytes of one request body a client may send ahead of who reads it; announced. */
  readonly streamWindowBytes: number;
  /** Streams that ended by a reset, whoever sent it, within 30 s; the connection is closed beyond it. */
  readonly maxResetStreams: number;
  /** PING frames within 30 s. */
  readonly maxPings: number;
  /** SETTINGS frames within 30 s. */
  readonly maxSettingsFrames: number;
  /** Bytes received within 30 s that belong neither to a request head nor to a body. */
  readonly maxControlBytes: number;
  /** Malformed frames and empty DATA frames on one connection. */
  readonly maxInvalidFrames: number;
  /** Memory Node may use for one connection, apart from bodies; new streams are refused beyond it. */
  readonly maxSessionMemoryBytes: number;
}

/** Header section announced when nobody says how large: one that breaks `maxHeaderBytes` still gets its 431. */
export function headerListBytesFor(maxHeaderBytes: number): number {
  return Math.max(DEFAULT_HTTP2_SETTINGS.maxHeaderListBytes, 2 * maxHeaderBytes);
}

/** The defaults. */
export const DEFAULT_HTTP2_SETTINGS: Http2Settings = {
  maxConcurrentStreams: 100,
  maxHeaderListBytes: 32 * 1024,
  streamWindowBytes: 128 * 1024,
  maxResetStreams: 200,
  maxPings: 10_000,
  maxSettingsFrames: 100,
  maxControlBytes: 1024 * 1024,
  maxInvalidFrames: 50,
  maxSessionMemoryBytes: 10 * 1024 * 1024,
};
