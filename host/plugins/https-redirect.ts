import type { ApplicationCall } from '../application/application-call.js';
import { checkNumber } from '../plugin/check-option.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';

/** Options of `HttpsRedirect`. */
export class HttpsRedirectConfig {
  /** Port of the https connector as clients see it. Default 443. */
  sslPort = 443;
  /** 301 instead of 302. Default true. */
  permanentRedirect = true;
  readonly #excluded: ((call: ApplicationCall) => boolean)[] = [];

  /** Calls that stay on http. */
  exclude(isExcluded: (call: ApplicationCall) => boolean): void {
    this.#excluded.push(isExcluded);
  }

  /** Paths of the application that stay on http: those that begin with `prefix`. */
  excludePrefix(prefix: string): void {
    this.exclude((call) => call.pathInApplication.startsWith(prefix));
  }

  excludeSuffix(suffix: string): void {
    this.exclude((call) => call.pathInApplication.endsWith(suffix));
  }

  isExcluded(call: ApplicationCall): boolean {
    return this.#excluded.some((isExcluded) => isExcluded(call));
  }
}

/**
 * Plugin: sends calls that came by http to the same address by https. It goes by the origin: behind a proxy that ends
 * TLS install `ForwardedHeaders` first, or clients are sent in circles.
 *
 * ```ts
 * application.install(HttpsRedirect, (config) => config.excludePrefix('/health'));
 * ```
 */
export const HttpsRedirect: RouteScopedPlugin<HttpsRedirectConfig, void> = createRouteScopedPlugin(
  'HttpsRedirect',
  {
    createConfig: () => new HttpsRedirectConfig(),
    install(plugin) {
      const { config } = plugin;
      const { sslPort, permanentRedirect } = config;
      checkNumber('HttpsRedirect: sslPort', sslPort, 1, 65_535);
      const port = sslPort === 443 ? '' : `:${sslPort}`;
      plugin.onCallValidators((call) => {
        const { origin } = call.request;
        if (origin.scheme !== 'http' || origin.serverHost === '' || config.isExcluded(call)) return undefined;
        const location = `https://${origin.serverHost}${port}${call.request.uri}`;
        return call.respondRedirect(location, permanentRedirect);
      });
    },
  },
);
