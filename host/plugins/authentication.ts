import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationCallPipeline } from '../application/call-pipelines.js';
import { missingPlugin } from '../application/plugin.js';
import { PorticoError } from '../errors.js';
import { AttributeKey } from '../pipeline/attributes.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import {
  type ApplicationPlugin,
  createApplicationPlugin,
  createRouteScopedPlugin,
} from '../plugin/create-plugin.js';
import type { Hook } from '../plugin/plugin-builder.js';
import { TransparentSelector } from '../routing/request-selectors.js';
import { type Configure, configureRoute, type Route } from '../routing/route.js';
import {
  type AuthenticationBlock,
  AuthenticationCheck,
  type AuthenticationStrategy,
} from './authentication/call-authentication.js';
import { type AuthenticationProvider, DEFAULT_PROVIDER } from './authentication/provider.js';

export { type ApiKeyOptions, apiKey } from './authentication/api-key.js';
export { type BasicOptions, basic, type PasswordCredentials } from './authentication/basic.js';
export { type BearerOptions, bearer, type TokenOptions } from './authentication/bearer.js';
export {
  type AuthenticationStrategy,
  principal,
  principalOrNull,
} from './authentication/call-authentication.js';
export { type FormOptions, form } from './authentication/form.js';
export { constantTimeEquals, hashPassword, verifyPassword } from './authentication/passwords.js';
export {
  type AuthenticationFailure,
  type AuthenticationProvider,
  type AuthenticationResult,
  type Challenge,
  DEFAULT_PROVIDER,
  type ProviderOptions,
  unauthorized,
} from './authentication/provider.js';
export { type SessionAuthOptions, session } from './authentication/session.js';

/** Who may be asked. */
export class AuthenticationConfig {
  readonly #providers = new Map<string, AuthenticationProvider<unknown>>();

  /** Adds a provider; a second one of a name is `PORTICO_AUTHENTICATION_PROVIDER`. */
  provider(provider: AuthenticationProvider<unknown>): void {
    if (this.#providers.has(provider.name))
      throw new PorticoError(
        'PORTICO_AUTHENTICATION_PROVIDER',
        `There are two authentication providers ${provider.name}. Give each a name of its own.`,
      );
    this.#providers.set(provider.name, provider);
  }

  /** By name. */
  get providers(): ReadonlyMap<string, AuthenticationProvider<unknown>> {
    return this.#providers;
  }
}

/**
 * Plugin: finds out who is calling. Providers are made once, added here, and asked by the routes inside `authenticate`.
 *
 * ```ts
 * const Api = bearer('api', { validate: (token) => users.byToken(token) });
 *
 * application.install(Authentication, (config) => config.provider(Api));
 * routing(application, (r) => {
 *   authenticate(r, [Api], (r) => {
 *     r.get('/me', (call) => ({ name: principal(call, Api).name }));
 *   });
 * });
 * ```
 */
export const Authentication: ApplicationPlugin<
  AuthenticationConfig,
  ReadonlyMap<string, AuthenticationProvider<unknown>>
> = createApplicationPlugin('Authentication', {
  createConfig: () => new AuthenticationConfig(),
  install: ({ config }) => config.providers,
});

/** How the providers of a block work together. */
export interface AuthenticateOptions {
  /** Default `first-successful`. */
  readonly strategy?: AuthenticationStrategy;
}

/** A provider, or its name. */
type NamedOrGiven = string | AuthenticationProvider<unknown>;

/**
 * Routes that only known callers get to; the rest is answered by the challenge of a provider, mostly 401. A provider is
 * named or given, one or several; an empty list means the one named `default`. Blocks may be nested: then all providers
 * of required blocks must know the caller, and of the others the first is enough. Mind that a plain block in a plain
 * block makes it an "or". `PORTICO_MISSING_PLUGIN` without the plugin `Authentication`,
 * `PORTICO_AUTHENTICATION_PROVIDER` for one that was not added there.
 */
export function authenticate<Parameters>(
  route: Route<Parameters>,
  providers: NamedOrGiven | readonly NamedOrGiven[],
  configure: Configure<Parameters>,
): Route<Parameters>;
export function authenticate<Parameters>(
  route: Route<Parameters>,
  providers: NamedOrGiven | readonly NamedOrGiven[],
  options: AuthenticateOptions,
  configure: Configure<Parameters>,
): Route<Parameters>;
export function authenticate<Parameters>(
  route: Route<Parameters>,
  providers: NamedOrGiven | readonly NamedOrGiven[],
  ...rest: [Configure<Parameters>] | [AuthenticateOptions, Configure<Parameters>]
): Route<Parameters> {
  const [options, configure] = rest.length === 1 ? [{}, rest[0]] : rest;
  const { strategy = 'first-successful' } = options;
  const known = route.root.application.pluginOrNull(Authentication);
  if (known === undefined) throw missingPlugin('Authentication');
  const given = Array.isArray(providers)
    ? (providers as readonly NamedOrGiven[])
    : [providers as NamedOrGiven];
  const wanted = (given.length === 0 ? [DEFAULT_PROVIDER] : given).map((one) => find(known, one));
  const names = wanted.map(({ name }) => `"${name}"`).join(', ');
  const node = route.createChild(new TransparentSelector(`authenticate ${names}`));
  node.attributes.put(BLOCK, { providers: wanted, strategy });
  node.install(AuthenticationOfRoute);
  const typed = node as unknown as Route<Parameters>;
  configureRoute(typed, configure);
  return typed;
}

/**
 * Hook, for plugins of routes: behind the check, for calls that were let in. The place to ask what the caller may do.
 */
export const AuthenticationChecked: Hook<(call: ApplicationCall) => unknown> = {
  install(pipeline, handler) {
    pipeline.insertPhaseAfter(ApplicationCallPipeline.Validators, AfterAuthentication);
    pipeline.intercept(AfterAuthentication, (run) =>
      run.context.isHandled ? undefined : handler(run.context),
    );
  },
};

const AfterAuthentication = new PipelinePhase('AfterAuthentication');
const BLOCK = new AttributeKey<AuthenticationBlock>('portico.authentication.block');

/** Only the innermost block around a route is in effect; it knows those around it. */
const AuthenticationOfRoute = createRouteScopedPlugin('AuthenticationOfRoute', {
  createConfig: () => ({}),
  install(plugin) {
    const blocks: AuthenticationBlock[] = [];
    for (let at = plugin.route; at !== undefined; at = at.parent) {
      const block = at.attributes.getOrNull(BLOCK);
      if (block !== undefined) blocks.unshift(block);
    }
    const check = new AuthenticationCheck(blocks);
    plugin.onCallValidators((call) => check.run(call));
  },
});

function find(
  known: ReadonlyMap<string, AuthenticationProvider<unknown>>,
  wanted: NamedOrGiven,
): AuthenticationProvider<unknown> {
  const name = typeof wanted === 'string' ? wanted : wanted.name;
  const found = known.get(name);
  if (found !== undefined && (typeof wanted === 'string' || found === wanted)) return found;
  throw new PorticoError(
    'PORTICO_AUTHENTICATION_PROVIDER',
    `There is no authentication provider ${name}. Add it where Authentication is installed: config.provider(…).`,
  );
}
