import { headerOfAnswer } from '../application/content-facts.js';
import { checkHeader } from '../application/header-check.js';
import { httpDate } from '../http/http-date.js';
import { packageVersion } from '../package-version.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';
import { ResponseBodyReadyForSend } from '../plugin/hooks.js';

/** What `DefaultHeaders` adds to answers. */
export class DefaultHeadersConfig {
  /** Time of `Date`, in milliseconds since the epoch. */
  now: () => number = Date.now;
  readonly #headers = new Map<string, string>();

  /** Adds a header, or replaces one given before; also `Server`, which is `Portico/VERSION` otherwise. */
  header(name: string, value: string): void {
    checkHeader(name, value);
    this.#headers.set(name, value);
  }

  /** Name and value of all headers that do not change. */
  get headers(): ReadonlyMap<string, string> {
    return this.#headers;
  }
}

/**
 * Plugin: adds `Server`, `Date` and headers of your own to each answer; one that the answer has already stays.
 *
 * ```ts
 * application.install(DefaultHeaders, (config) => config.header('X-Frame-Options', 'DENY'));
 * ```
 */
export const DefaultHeaders: RouteScopedPlugin<DefaultHeadersConfig, void> = createRouteScopedPlugin(
  'DefaultHeaders',
  {
    createConfig: () => {
      const config = new DefaultHeadersConfig();
      config.header('Server', `Portico/${packageVersion()}`);
      return config;
    },
    install(plugin) {
      const { headers, now } = plugin.config;
      const date = cachedDate(now);
      plugin.on(ResponseBodyReadyForSend, (call, content) => {
        const { response } = call;
        const isThere = (name: string): boolean => headerOfAnswer(call, content, name) !== undefined;
        if (!isThere('Date')) response.headers.append('Date', date());
        for (const [name, value] of headers) if (!isThere(name)) response.headers.append(name, value);
      });
    },
  },
);

/** The date as text; the same object for a second. */
function cachedDate(now: () => number): () => string {
  let beginMs = Number.NEGATIVE_INFINITY;
  let text = '';
  return () => {
    const nowMs = now();
    if (nowMs < beginMs || nowMs >= beginMs + 1000) {
      beginMs = nowMs;
      text = httpDate(nowMs);
    }
    return text;
  };
}
