import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationSendPipeline } from '../application/call-pipelines.js';
import { headerOfAnswer, statusOfAnswer } from '../application/content-facts.js';
import type { AnyContent } from '../application/outgoing-content.js';
import { type CacheControl, mergeCacheControl, renderCacheControl } from '../http/cache-control.js';
import { httpDate } from '../http/http-date.js';
import { AttributeKey } from '../pipeline/attributes.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';

export type { CacheControl, CacheVisibility } from '../http/cache-control.js';

/** How long an answer may be kept. */
export interface CachingOptions {
  readonly cacheControl?: CacheControl;
  /** Until when, in milliseconds since the epoch; for old caches. */
  readonly expiresMs?: number;
}

type CachingProvider = (call: ApplicationCall, content: AnyContent) => CachingOptions | undefined;

/** Who says how long answers may be kept. */
export class CachingHeadersConfig {
  readonly #providers: CachingProvider[] = [];

  /** Asks `provider` for each answer. Several are asked all, and what they say is merged. */
  options(provider: CachingProvider): void {
    this.#providers.push(provider);
  }

  get providers(): readonly CachingProvider[] {
    return this.#providers;
  }
}

/** In front of what makes 206 or 304 of a content: they say the same of keeping (RFC 9110 §15.3.7, §15.4.5). */
const CachingPhase = new PipelinePhase('CachingHeaders');
const OF_CALL = new AttributeKey<CachingOptions>('CachingHeaders.options');

/**
 * Plugin: `Cache-Control` and `Expires` by content type or whatever else counts. An answer that has `Cache-Control`
 * already keeps it, and statuses from 500 on get none.
 *
 * ```ts
 * application.install(CachingHeaders, (config) =>
 *   config.options((call, { contentType }) =>
 *     contentType?.startsWith('text/css') ? { cacheControl: { type: 'max-age', maxAgeSeconds: 3600 } } : undefined,
 *   ),
 * );
 * ```
 */
export const CachingHeaders: RouteScopedPlugin<CachingHeadersConfig, void> = createRouteScopedPlugin(
  'CachingHeaders',
  {
    createConfig: () => new CachingHeadersConfig(),
    install(plugin) {
      const { providers } = plugin.config;
      const { sendPipeline } = plugin.pipeline;
      sendPipeline.insertPhaseBefore(ApplicationSendPipeline.ContentEncoding, CachingPhase);
      sendPipeline.intercept(CachingPhase, ({ call }, subject) => {
        const content = subject as AnyContent;
        const status = statusOfAnswer(call, content);
        // A failure of ours must not outlive its cause.
        if (status >= 500) return;
        const directives: CacheControl[] = [];
        let expiresMs: number | undefined;
        const take = (options: CachingOptions | undefined): void => {
          if (options?.cacheControl !== undefined) directives.push(options.cacheControl);
          expiresMs ??= options?.expiresMs;
        };
        for (const provider of providers) take(provider(call, content));
        // What was said of the content that a handler wanted to send is not said of the error that came instead.
        if (status < 400) take(call.attributes.getOrNull(OF_CALL));
        const { headers } = call.response;
        if (directives.length > 0 && headerOfAnswer(call, content, 'Cache-Control') === undefined)
          headers.set('Cache-Control', mergeCacheControl(directives).map(renderCacheControl).join(', '));
        if (expiresMs !== undefined && headerOfAnswer(call, content, 'Expires') === undefined)
          headers.set('Expires', httpDate(expiresMs));
      });
    },
  },
);

/**
 * How long the answer to this call may be kept; merged with what the configuration says. Not for statuses from 400 on:
 * who wants those kept says it in the configuration, or sets the header.
 */
export function caching(call: ApplicationCall, options: CachingOptions): void {
  call.attributes.put(OF_CALL, options);
}
