import { constants, type ServerHttp2Session } from 'node:http2';

/**
 * Makes GOAWAY say what was wrong (RFC 9113 §5.4.1). The library knows it when it ends a session whose client broke the
 * protocol, and would tell INTERNAL_ERROR.
 */
export function nameProtocolErrors(session: ServerHttp2Session): void {
  const destroy = session.destroy.bind(session);
  session.destroy = (error?: Error, code?: number): void => {
    const named = code ?? codeOf(error);
    if (error === undefined) destroy();
    else if (named === undefined) destroy(error);
    else destroy(error, named);
  };
}

/** Code of RFC 9113 §7 for an error of the library; undefined when the client is not to blame. */
export function codeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errno } = error as { readonly code?: unknown; readonly errno?: unknown };
  if (code === 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES') return constants.NGHTTP2_ENHANCE_YOUR_CALM;
  return typeof errno === 'number' ? CODES[errno] : undefined;
}

/** By the numbers of nghttp2. */
const CODES: Readonly<Record<number, number>> = {
  /** PROTO, BAD_CLIENT_MAGIC, SETTINGS_EXPECTED, HTTP_HEADER, HTTP_MESSAGING */
  [-505]: constants.NGHTTP2_PROTOCOL_ERROR,
  [-903]: constants.NGHTTP2_PROTOCOL_ERROR,
  [-536]: constants.NGHTTP2_PROTOCOL_ERROR,
  [-531]: constants.NGHTTP2_PROTOCOL_ERROR,
  [-532]: constants.NGHTTP2_PROTOCOL_ERROR,
  /** STREAM_CLOSED, STREAM_CLOSING */
  [-510]: constants.NGHTTP2_STREAM_CLOSED,
  [-530]: constants.NGHTTP2_STREAM_CLOSED,
  /** FRAME_SIZE_ERROR, HEADER_COMP, FLOW_CONTROL */
  [-522]: constants.NGHTTP2_FRAME_SIZE_ERROR,
  [-523]: constants.NGHTTP2_COMPRESSION_ERROR,
  [-524]: constants.NGHTTP2_FLOW_CONTROL_ERROR,
  /** FLOODED, TOO_MANY_SETTINGS, TOO_MANY_CONTINUATIONS, and a callback that gave up: too many streams refused */
  [-904]: constants.NGHTTP2_ENHANCE_YOUR_CALM,
  [-537]: constants.NGHTTP2_ENHANCE_YOUR_CALM,
  [-538]: constants.NGHTTP2_ENHANCE_YOUR_CALM,
  [-902]: constants.NGHTTP2_ENHANCE_YOUR_CALM,
};
