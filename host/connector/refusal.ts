import { STATUS_PAGE_TYPE, statusPage } from '../http/status-page.js';

/**
 * Why a connector refused a request or cut a connection. A bounded set: it becomes a label of a counter.
 */
export type RefusalReason = keyof typeof STATUSES;

/** The answer to each reason. 0: the connection is cut without an answer. */
const STATUSES = {
  /** Not a request line; also HTTP/0.9 and a TLS handshake on a plain port. */
  'bad-request-line': 400,
  /** HTTP, but neither 1.0 nor 1.1. */
  'bad-version': 505,
  /** The target has none of the four forms, or its path can be read in two ways. */
  'bad-target': 400,
  /** A byte that must not be in a field, obs-fold, a blank before the colon, a broken line end. */
  'bad-header': 400,
  /** No Host, more than one, one that is no host, or another one than in the target. */
  'bad-host': 400,
  /** Content-Length or Transfer-Encoding that two readers could read in two ways. */
  'bad-framing': 400,
  'unknown-transfer-coding': 501,
  'unknown-expectation': 417,
  /** CONNECT, and methods of absurd length. */
  'method-not-implemented': 501,
  /** TRACE. */
  'method-not-allowed': 405,
  'target-too-long': 414,
  'header-too-large': 431,
  'too-many-headers': 431,
  'header-timeout': 408,
  /** The client stopped sending in the middle of a header section. */
  'incomplete-request': 400,
  /** Chunked framing is broken, or the body ended early. */
  'bad-body': 400,
  'trailers-too-large': 431,
  /** Nothing of the body came for too long. */
  'body-timeout': 408,
  /** The body comes, but at less than the least rate. */
  'slow-body': 408,
  /** The rest of a body that nobody wants is larger than what is swallowed. */
  'unread-body': 0,
  /** The client stopped reading its answer. */
  'write-timeout': 0,
  /** The client reads its answer, but at less than the least rate. */
  'slow-reader': 0,
  'connection-limit': 503,
  /** Somebody connects who is not among those who may send the header of the PROXY protocol. */
  'proxy-protocol-sender': 0,
  /** The header of the PROXY protocol is missing, or is none. */
  'proxy-protocol-header': 0,
  'proxy-protocol-timeout': 0,
  /** HTTP without TLS on a port that wants TLS. */
  'plain-http': 400,
  /** The handshake was not finished in time, or not even begun. */
  'tls-handshake-timeout': 0,
  /** No TLS at all, a version or a cipher suite that is not allowed, no protocol in common. */
  'tls-handshake-failed': 0,
  /** A client certificate is demanded; there was none, or one that is not trusted. */
  'client-certificate': 0,
  /** The host of the request is served by another certificate than that of the connection (RFC 9110 §15.5.20). */
  'misdirected-request': 421,
  /** A client that broke HTTP/2, or passed a limit of it: the connection is closed with GOAWAY. */
  'http2-protocol-error': 0,
  'http2-reset-flood': 0,
  'http2-ping-flood': 0,
  'http2-settings-flood': 0,
  /** Frames that ask for nothing, of whatever kind. */
  'http2-control-flood': 0,
  /** The process has too few file descriptors left. */
  'descriptor-limit': 503,
} as const;

/** Every reason; `deploy/HTTP.md` explains each of them. */
export const REFUSAL_REASONS: readonly RefusalReason[] = Object.keys(STATUSES) as RefusalReason[];

/** Status that goes with a reason; 0 for none. */
export function refusalStatus(reason: RefusalReason): number {
  return STATUSES[reason];
}

/**
 * The whole answer that refuses a request: the connection is closed behind it. `transportSecurity`: a line of its own, or ''.
 */
export function refusalResponse(reason: RefusalReason, date: string, transportSecurity = ''): string {
  const status = STATUSES[reason];
  const page = statusPage(status, reason === 'plain-http' ? PLAIN_HTTP : undefined);
  const extra =
    reason === 'method-not-allowed'
      ? 'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n'
      : status === 503
        ? 'Retry-After: 1\r\n'
        : '';
  return (
    `HTTP/1.1 ${page.slice(0, page.indexOf('\n'))}\r\nDate: ${date}\r\n${transportSecurity}${extra}` +
    `Content-Type: ${STATUS_PAGE_TYPE}\r\nContent-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`
  );
}

/** For whoever has written `http://` in front of this port. */
const PLAIN_HTTP = 'This port speaks HTTPS. Write https:// in front of the address.';
