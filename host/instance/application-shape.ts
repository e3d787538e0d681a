import { Server as HttpServer, type RequestListener } from 'node:http';
import { Server as NetServer } from 'node:net';
import { isClass, property } from '../engine/modules/exported-value.js';

/** Answers a standard Request with a standard Response (the fetch API). */
export type FetchFunction = (request: Request, environment?: unknown) => Response | Promise<Response>;

/** What an export turned out to be. */
export type ApplicationShape =
  /**
   * `(req, res)`: plain function, Express, Koa, Connect. `exported`: what a server of its own would have as listener;
   * undefined: something made anew for each server.
   */
  | { readonly kind: 'listener'; readonly listener: RequestListener; readonly exported?: unknown }
  /** An http.Server; Fastify brings its own, which is closed through Fastify. */
  | { readonly kind: 'server'; readonly server: NetServer; readonly close: (() => unknown) | undefined }
  | { readonly kind: 'fetch'; readonly fetch: FetchFunction };

/** Names under which an application is looked for, in this order. */
const EXPORT_NAMES = ['default', 'app', 'server', 'handler', 'fetch'] as const;

/**
 * Finds the application among the exports of a file. Promises are awaited; Fastify is made ready.
 * Undefined when there is none. Throws what the application throws, never for exports it does not know.
 */
export async function findApplication(
  exports: Readonly<Record<string, unknown>>,
): Promise<ApplicationShape | undefined> {
  for (const name of EXPORT_NAMES) {
    const exported = property(exports, name);
    const value = isThenable(exported) ? await exported : exported;
    const shape = name === 'fetch' ? fetchShape(value) : await shapeOf(value);
    if (shape !== undefined) return shape;
    // `export default { app }`, `exports.default = { default: app }` of transpiled code.
    if (name !== 'default' || value === null || typeof value !== 'object') continue;
    for (const inner of EXPORT_NAMES) {
      const nested = property(value, inner);
      const found = await shapeOf(isThenable(nested) ? await nested : nested);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

async function shapeOf(value: unknown): Promise<ApplicationShape | undefined> {
  if (typeof value === 'function') {
    // Express and Connect have three parameters, plain handlers two.
    return value.length >= 2 && !isClass(value)
      ? { kind: 'listener', listener: value as RequestListener, exported: value }
      : fetchShape(property(value, 'fetch'), value);
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (isHttpServer(value)) return { kind: 'server', server: value, close: undefined };
  const callback = property(value, 'callback');
  if (typeof callback === 'function' && Array.isArray(property(value, 'middleware')))
    return { kind: 'listener', listener: callback.call(value) as RequestListener };
  const ready = property(value, 'ready');
  const routing = property(value, 'routing');
  if (typeof ready === 'function' && typeof routing === 'function') {
    await ready.call(value);
    const server = property(value, 'server');
    const close = property(value, 'close');
    if (isHttpServer(server))
      return {
        kind: 'server',
        server,
        close: typeof close === 'function' ? () => close.call(value) : undefined,
      };
    return { kind: 'listener', listener: routing.bind(value) as RequestListener };
  }
  return fetchShape(property(value, 'fetch'), value);
}

function fetchShape(value: unknown, owner?: unknown): ApplicationShape | undefined {
  return typeof value === 'function' && !isClass(value)
    ? { kind: 'fetch', fetch: value.bind(owner) as FetchFunction }
    : undefined;
}

function isHttpServer(value: unknown): value is NetServer {
  return (
    value instanceof HttpServer ||
    (value instanceof NetServer && property(value, 'headersTimeout') !== undefined)
  );
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof property(value, 'then') === 'function';
}
