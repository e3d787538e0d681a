import { addVary } from '../application/content-facts.js';
import { BadRequestError } from '../application/http-errors.js';
import { isToken } from '../http/byte-classes.js';
import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';
import { CallSetup } from '../plugin/hooks.js';

/** Options of `MethodOverride`. */
export interface MethodOverrideConfig {
  /** Default `X-HTTP-Method-Override`. */
  headerName: string;
}

/**
 * Plugin: a request may name the method it means in a header, for clients that can send only GET and POST. Routing
 * goes by that method; `call.request.method` stays what was sent.
 *
 * ```ts
 * application.install(MethodOverride);
 * ```
 */
export const MethodOverride: ApplicationPlugin<MethodOverrideConfig, void> = createApplicationPlugin(
  'MethodOverride',
  {
    createConfig: () => ({ headerName: 'X-HTTP-Method-Override' }),
    install(plugin) {
      const { headerName } = plugin.config;
      plugin.on(CallSetup, (call) => {
        const method = call.request.header(headerName);
        if (method === undefined || method === '') return;
        if (!isToken(method)) throw new BadRequestError(`The header ${headerName} does not name a method.`);
        call.method = method;
        // RFC 9111 §4.1: a cache must not give this answer to those who mean the method they send.
        addVary(call, headerName);
      });
    },
  },
);
