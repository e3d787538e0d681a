import type { RedirectSettings } from '../config/redirect-settings.js';
import type { Exchange } from '../exchange/exchange.js';
import { answerPlainly } from '../runtime/plain-answer.js';

/**
 * Sends a client to the same host, path and query with https. The connector has checked the form of Host; a request
 * without one cannot be redirected, and hosts that are not ours need not be.
 */
export function answerRedirect(exchange: Exchange, { status, port, hosts }: RedirectSettings): void {
  const { authority, path, query } = exchange.head;
  const host = authority.replace(/:\d+$/, '');
  if (host === '') {
    answerPlainly(exchange, 400, 'The request names no host.');
    return;
  }
  if (hosts !== undefined && !isListed(host, hosts)) {
    answerPlainly(exchange, 421, 'This server does not answer for the host of the request.');
    return;
  }
  const place = port === 443 ? host : `${host}:${port}`;
  const location = `https://${place}${path === '*' ? '/' : path}${query === undefined ? '' : `?${query}`}`;
  answerPlainly(exchange, status, 'This server is used with https.', ['location', location]);
}

function isListed(host: string, hosts: readonly string[]): boolean {
  const bare = host.endsWith('.') ? host.slice(0, -1) : host;
  return hosts.includes(bare) || hosts.includes(`*${bare.slice(bare.indexOf('.'))}`);
}
