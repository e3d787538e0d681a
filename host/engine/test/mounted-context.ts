import type { Exchange } from '../../exchange/exchange.js';
import { canonicalPath } from '../../http/canonical-path.js';
import { TestExchange } from './test-exchange.js';

/** Where a bundle under test answers. */
export interface MountedContext {
  /** `''` for the root context, `/shop` otherwise; canonical. */
  readonly path: string;
  /** The application sees paths without the context path. */
  readonly isStripped: boolean;
  /** Largest body, where the request says its length; 0: no limit. */
  readonly maxBodyBytes: number;
}

/**
 * What the connector and the front of the container do to a request before an application sees it: one canonical path
 * (else 400), 404 outside of the context, a redirect from the bare context path to the one with a slash, 413, and the
 * path within the context. True when the exchange is for the application; otherwise it is answered.
 */
export function enterContext(exchange: Exchange, context: MountedContext): boolean {
  const { head } = exchange;
  const path = canonicalPath(head.path);
  if (path === undefined) return answered(exchange, 400);
  const within = pathBehind(path, context.path);
  if (within === undefined) return answered(exchange, 404);
  if (context.maxBodyBytes > 0 && head.bodyLength > context.maxBodyBytes) return answered(exchange, 413);
  const isPage = (head.method === 'GET' || head.method === 'HEAD') && head.upgrade === undefined;
  if (context.isStripped && within === '' && context.path !== '' && isPage) {
    const query = head.query === undefined ? '' : `?${head.query}`;
    return answered(exchange, 302, ['Location', `${path}/${query}`]);
  }
  if (exchange instanceof TestExchange)
    exchange.relocate(context.isStripped ? (within === '' ? '/' : within) : path);
  return true;
}

/** The path behind the context path, `''` for the context path itself; undefined for a path of somebody else. */
function pathBehind(path: string, contextPath: string): string | undefined {
  if (!path.startsWith(contextPath)) return undefined;
  const rest = path.slice(contextPath.length);
  return rest === '' || rest.startsWith('/') ? rest : undefined;
}

function answered(exchange: Exchange, status: number, fields: readonly string[] = []): false {
  exchange.respond(status, fields, undefined);
  return false;
}
