import type { Connector } from '../connector/connector.js';
import type { Exchange } from '../exchange/exchange.js';
import type { MappedContext } from './mapping.js';
import { type OpenRequest, type OpenRequestQuery, UNMAPPED_CONTEXT } from './messages.js';

/**
 * The requests that are open at the connectors of a front, the oldest first. Found by looking at every connection when
 * somebody asks, so that no request costs anything for it.
 */
export function openRequestsOf(
  connectors: Iterable<readonly [string, Connector]>,
  { application, version, olderThanMs, limit }: OpenRequestQuery,
): { readonly requests: readonly OpenRequest[]; readonly total: number } {
  const now = performance.now();
  const found: OpenRequest[] = [];
  for (const [name, connector] of connectors)
    connector.eachOpen((exchange) => {
      const ageMs = now - exchange.startedAt;
      const route = ((exchange as Exchange).attachment as MappedContext | undefined)?.route;
      if (ageMs < olderThanMs || exchange.isEnded) return;
      if (application !== undefined && (route?.application !== application || route.version !== version))
        return;
      const { method, path, connection } = exchange.head;
      found.push({
        ageMs: Math.round(ageMs),
        method,
        path,
        application: route?.application ?? UNMAPPED_CONTEXT,
        version: route?.version ?? '',
        context: route?.context ?? UNMAPPED_CONTEXT,
        state: exchange.isTunnel ? 'tunnel' : exchange.isBegun ? 'answering' : 'waiting',
        status: exchange.status,
        bytesIn: exchange.bytesIn,
        bytesOut: exchange.bytesOut,
        client: connection.caller ?? connection.remoteAddress,
        connector: name,
      });
    });
  found.sort((left, right) => right.ageMs - left.ageMs);
  return { requests: found.slice(0, limit), total: found.length };
}
