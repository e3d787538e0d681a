import type { ApplicationCall } from '../application/application-call.js';
import { configureBy } from '../application/configure.js';
import { checkHeaderValue } from '../application/header-check.js';
import { quoteParameter } from '../http/header-value.js';
import { checkNumber } from '../plugin/check-option.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';

/** One policy, as the browser is told it (RFC 6797 §6.1). */
export class HstsPolicy {
  /** Default one year. 0 makes browsers forget the host. */
  maxAgeSeconds = 365 * 24 * 60 * 60;
  /** Also for all hosts below this one. Default true. */
  includeSubDomains = true;
  /** Asks for an entry in the lists of the browsers. Default false. */
  preload = false;
  /** Further directives, by name; undefined for one without value. */
  customDirectives: Readonly<Record<string, string | undefined>> = {};
}

/** Options of `HSTS`. */
export class HstsConfig extends HstsPolicy {
  /** Which calls get the header. Default: those that came by https on port 443, going by the origin. */
  filter: (call: ApplicationCall) => boolean = ({ request: { origin } }) =>
    origin.scheme === 'https' && origin.serverPort === 443;
  readonly #hosts = new Map<string, HstsPolicy>();

  /** Another policy for one host. */
  withHost(host: string, configure: (policy: HstsPolicy) => void): void {
    const policy = new HstsPolicy();
    configureBy(configure, policy, () => `HSTS of ${host}`);
    this.#hosts.set(host.toLowerCase(), policy);
  }

  get hosts(): ReadonlyMap<string, HstsPolicy> {
    return this.#hosts;
  }
}

/**
 * Plugin: tells browsers to come by https only from now on.
 *
 * ```ts
 * application.install(HSTS, (config) => {
 *   config.maxAgeSeconds = 30 * 24 * 60 * 60;
 * });
 * ```
 *
 * Behind a proxy that ends TLS install `ForwardedHeaders` first.
 */
export const HSTS: RouteScopedPlugin<HstsConfig, void> = createRouteScopedPlugin('HSTS', {
  createConfig: () => new HstsConfig(),
  install(plugin) {
    const { config } = plugin;
    const text = render(config);
    const texts = new Map([...config.hosts].map(([host, policy]) => [host, render(policy)]));
    plugin.onCall((call) => {
      if (!config.filter(call)) return;
      const own = texts.size === 0 ? undefined : texts.get(call.request.origin.serverHost);
      call.response.headers.set('Strict-Transport-Security', own ?? text);
    });
  },
});

/** Throws `PORTICO_PLUGIN_OPTION`, `PORTICO_INVALID_HEADER`. */
function render({ maxAgeSeconds, includeSubDomains, preload, customDirectives }: HstsPolicy): string {
  checkNumber('HSTS: maxAgeSeconds', maxAgeSeconds, 0);
  const directives = [`max-age=${maxAgeSeconds}`];
  if (includeSubDomains) directives.push('includeSubDomains');
  if (preload) directives.push('preload');
  for (const [name, value] of Object.entries(customDirectives))
    directives.push(value === undefined ? name : `${name}=${quoteParameter(value)}`);
  const text = directives.join('; ');
  checkHeaderValue('Strict-Transport-Security', text);
  return text;
}
