import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';

/**
 * Plugin: answers HEAD as GET, without the body (RFC 9110 §9.3.2). Routing goes by GET, so routes for HEAD do not count
 * any more; `call.request.method` stays HEAD.
 *
 * ```ts
 * application.install(AutoHeadResponse);
 * ```
 */
export const AutoHeadResponse: ApplicationPlugin<Record<string, never>, void> = createApplicationPlugin(
  'AutoHeadResponse',
  {
    createConfig: () => ({}),
    install(plugin) {
      plugin.onCall((call) => {
        if (call.method === 'HEAD') call.method = 'GET';
      });
    },
  },
);
