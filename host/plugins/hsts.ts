import type { ApplicationCall } from '../application/application-call.js';
import { quoteParameter } from '../http/header-value.js';
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
    configure(policy);
    this.#hosts.set(host.toLowerCase(), policy);
  }

  policyOf(host: string): HstsPolicy {
    return this.#hosts.get(host) ?? this;
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
    const texts = new Map<HstsPolicy, string>();
    const textOf = (policy: HstsPolicy): string => {
      let text = texts.get(policy);
      if (text === undefined) {
        text = render(policy);
        texts.set(policy, text);
      }
      return text;
    };
    plugin.onCall((call) => {
      if (!config.filter(call)) return;
      const policy = config.policyOf(call.request.origin.serverHost);
      call.response.headers.set('Strict-Transport-Security', textOf(policy));
    });
  },
});

function render({ maxAgeSeconds, includeSubDomains, preload, customDirectives }: HstsPolicy): string {
  const directives = [`max-age=${maxAgeSeconds}`];
  if (includeSubDomains) directives.push('includeSubDomains');
  if (preload) directives.push('preload');
  for (const [name, value] of Object.entries(customDirectives))
    directives.push(value === undefined ? name : `${name}=${quoteParameter(value)}`);
  return directives.join('; ');
}
