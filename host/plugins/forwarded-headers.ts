import type { ApplicationCall } from '../application/application-call.js';
import { parameterOf, parseHeaderValues } from '../http/header-value.js';
import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';
import { CallSetup } from '../plugin/hooks.js';
import { apply } from './forwarded-headers/apply.js';
import { ProxyRules, valueAt } from './forwarded-headers/proxy-rules.js';

export { ProxyRules } from './forwarded-headers/proxy-rules.js';

/**
 * Plugin: takes from `Forwarded` (RFC 7239) who the client is and by which address it asked, for `request.origin`.
 * Install it only behind a proxy: otherwise clients can say what they like.
 *
 * ```ts
 * application.install(ForwardedHeaders, (config) => {
 *   config.trustOnly(['10.0.0.0/8']);
 *   config.skipKnownProxies(['10.0.0.0/8']);
 * });
 * ```
 */
export const ForwardedHeaders: ApplicationPlugin<ProxyRules, void> = createApplicationPlugin(
  'ForwardedHeaders',
  {
    createConfig: () => new ProxyRules(),
    install(plugin) {
      const rules = plugin.config;
      plugin.on(CallSetup, (call) => {
        const text = textOf(call, 'Forwarded');
        if (text === undefined) return;
        const elements = parseHeaderValues(text, { parametersOnly: true });
        if (elements.length === 0 || !rules.isTrusted(call.request.remoteAddress)) return;
        const element = elements[rules.indexOf(elements.map((one) => parameterOf(one, 'for') ?? ''))];
        if (element === undefined) return;
        apply(call.request.origin, {
          scheme: parameterOf(element, 'proto'),
          host: parameterOf(element, 'host'),
          client: parameterOf(element, 'for'),
        });
      });
    },
  },
);

/** Which headers proxies write, in the order they are asked for. */
export class XForwardedHeadersConfig extends ProxyRules {
  hostHeaders: string[] = ['X-Forwarded-Host', 'X-Forwarded-Server'];
  protoHeaders: string[] = ['X-Forwarded-Proto', 'X-Forwarded-Protocol'];
  forHeaders: string[] = ['X-Forwarded-For'];
  /** Headers with `on`, `yes`, `true` or `1` for https. */
  httpsFlagHeaders: string[] = ['X-Forwarded-SSL', 'Front-End-Https'];
  portHeaders: string[] = ['X-Forwarded-Port'];
}

/**
 * Plugin: as `ForwardedHeaders`, from `X-Forwarded-For`, `-Proto`, `-Host`, `-Port` and `-SSL`.
 *
 * ```ts
 * application.install(XForwardedHeaders, (config) => config.skipKnownProxies(['10.0.0.0/8']));
 * ```
 */
export const XForwardedHeaders: ApplicationPlugin<XForwardedHeadersConfig, void> = createApplicationPlugin(
  'XForwardedHeaders',
  {
    createConfig: () => new XForwardedHeadersConfig(),
    install(plugin) {
      const rules = plugin.config;
      const names = [
        ...rules.protoHeaders,
        ...rules.httpsFlagHeaders,
        ...rules.hostHeaders,
        ...rules.portHeaders,
        ...rules.forHeaders,
      ];
      plugin.on(CallSetup, (call) => {
        const { headers } = call.request;
        if (!names.some((name) => headers.has(name)) || !rules.isTrusted(call.request.remoteAddress)) return;
        const lists = {
          scheme: listOf(call, rules.protoHeaders),
          isHttps: listOf(call, rules.httpsFlagHeaders),
          host: listOf(call, rules.hostHeaders),
          port: listOf(call, rules.portHeaders),
          client: listOf(call, rules.forHeaders),
        };
        const leading = lists.client.length > 0 ? lists.client : longest(Object.values(lists));
        if (leading.length === 0) return;
        const index = rules.indexOf(leading);
        const choose = (list: readonly string[]): string | undefined => valueAt(list, index, leading.length);
        apply(call.request.origin, {
          scheme: choose(lists.scheme),
          isHttps: choose(lists.isHttps),
          host: choose(lists.host),
          port: choose(lists.port),
          client: choose(lists.client),
        });
      });
    },
  },
);

function listOf(call: ApplicationCall, names: readonly string[]): readonly string[] {
  for (const name of names) {
    const text = textOf(call, name);
    if (text !== undefined) return text.split(',').map((value) => value.trim());
  }
  return [];
}

/** Lines of one name are one list (RFC 9110 §5.3). */
function textOf({ request: { headers } }: ApplicationCall, name: string): string | undefined {
  return headers.has(name) ? headers.getAll(name).join(',') : undefined;
}

function longest(lists: readonly (readonly string[])[]): readonly string[] {
  return lists.reduce((left, right) => (right.length > left.length ? right : left), []);
}
