import type { ApplicationCall } from '../application/application-call.js';
import { PayloadTooLargeError } from '../application/http-errors.js';
import { RequestBody } from '../application/request-body.js';
import { checkFunction, PorticoError } from '../errors.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';
import { ReceiveRequestBytes } from '../plugin/hooks.js';

/** Options of `BodyLimit`. */
export interface BodyLimitConfig {
  /**
   * Bytes a body may have; undefined for no limit of this plugin. Default: none. The connector has its own limit. What
   * is no number from 0 on refuses the call with 500, `PORTICO_BODY_LIMIT`: a slip must not lift the limit.
   */
  limitBytes: (call: ApplicationCall) => number | undefined;
}

/**
 * Plugin: 413 for bodies larger than allowed: at once when the request says its length, otherwise while it is read.
 *
 * ```ts
 * route.install(BodyLimit, (config) => {
 *   config.limitBytes = () => 64 * 1024;
 * });
 * ```
 */
export const BodyLimit: RouteScopedPlugin<BodyLimitConfig, void> = createRouteScopedPlugin('BodyLimit', {
  createConfig: (): BodyLimitConfig => ({ limitBytes: () => undefined }),
  install(plugin) {
    checkFunction(plugin.config.limitBytes, () => 'limitBytes of BodyLimit');
    const limitBytes = (call: ApplicationCall): number | undefined =>
      checkedLimit(plugin.config.limitBytes(call));
    plugin.onCallValidators((call) => {
      const limit = limitBytes(call);
      if (limit !== undefined && (call.request.contentLength ?? 0) > limit)
        throw new PayloadTooLargeError(limit);
    });
    plugin.on(ReceiveRequestBytes, (call, body) => {
      const limit = limitBytes(call);
      return limit === undefined ? undefined : RequestBody.of(counted(body, limit), body.length);
    });
  },
});

function checkedLimit(limit: unknown): number | undefined {
  if (limit === undefined || (typeof limit === 'number' && limit >= 0)) return limit;
  throw new PorticoError(
    'PORTICO_BODY_LIMIT',
    `limitBytes of BodyLimit gave ${String(limit)}. Give a number from 0 on, or undefined for no limit.`,
  );
}

async function* counted(body: RequestBody, limit: number): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of body.stream() as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw new PayloadTooLargeError(limit);
    yield chunk;
  }
}
