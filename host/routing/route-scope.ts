import { isPluginInstalled } from '../application/plugin.js';
import type { AttributeKey } from '../pipeline/attributes.js';
import type { Interceptor } from '../pipeline/pipeline-context.js';
import type { Route } from './route.js';

interface Scope {
  readonly route: Route;
  readonly key: AttributeKey<unknown>;
}

const SCOPES = new WeakMap<object, Scope>();

/** Marks an interceptor as that of a plugin installed in `route`. The function MUST be used for nothing else. */
export function scoped<Subject, Context>(
  interceptor: Interceptor<Subject, Context>,
  route: Route,
  key: AttributeKey<unknown>,
): Interceptor<Subject, Context> {
  SCOPES.set(interceptor, { route, key });
  return interceptor;
}

/**
 * Is an interceptor in effect for calls of the route at the end of `chain`? One of a plugin is only when there is no
 * installation of the same plugin further down.
 */
export function isInEffect(interceptor: object, chain: readonly Route[]): boolean {
  const scope = SCOPES.get(interceptor);
  if (scope === undefined) return true;
  return chain.findLast((route) => isPluginInstalled(route, scope.key)) === scope.route;
}
