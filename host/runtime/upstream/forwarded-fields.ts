import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isForbiddenTrailer } from '../../connector/trailer-parser.js';

/**
 * Takes from a request what belongs to its connection, and what `http-proxy` falls over. For an upgrade, `Connection`
 * and `Upgrade` are written anew.
 */
export function cleanRequest(incoming: IncomingMessage, isUpgrade: boolean): void {
  const { headers } = incoming;
  const { upgrade } = headers;
  removeHopByHop(headers);
  // Node has answered it already. With it http-proxy sends the head before we have seen it.
  delete headers.expect;
  if (!isUpgrade || upgrade === undefined) return;
  headers.connection = 'Upgrade';
  headers.upgrade = upgrade;
}

/**
 * Removes the fields of a connection (RFC 9110 §7.6.1) and those that `Connection` names; the framing stays, since Node
 * reads it. `Trailer` goes too: it may be dropped (§6.6.2), and on a message without a chunked body Node throws where
 * nobody can catch it.
 */
export function removeHopByHop(headers: IncomingHttpHeaders): void {
  for (const name of headers.connection?.split(',') ?? []) {
    const lower = name.trim().toLowerCase();
    if (!FRAMING.has(lower)) delete headers[lower];
  }
  for (const name of HOP_BY_HOP) delete headers[name];
}

/** The trailers that may be passed on (RFC 9110 §6.5.1), as pairs; undefined when there are none. */
export function trailersOf(message: IncomingMessage): [string, string][] | undefined {
  const { rawTrailers } = message;
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < rawTrailers.length; i += 2) {
    const name = rawTrailers[i] as string;
    if (!isForbiddenTrailer(name.toLowerCase())) pairs.push([name, rawTrailers[i + 1] as string]);
  }
  return pairs.length === 0 ? undefined : pairs;
}

const FRAMING = new Set(['content-length', 'host', 'transfer-encoding']);

const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
] as const;
