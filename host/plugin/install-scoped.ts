import type { ApplicationCallPipeline } from '../application/call-pipelines.js';
import { missingPlugin, type Plugin, pluginOrNull } from '../application/plugin.js';
import type { AttributeKey } from '../pipeline/attributes.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import type { Route } from '../routing/route.js';
import { scoped } from '../routing/route-scope.js';

/**
 * Moves the interceptors that a plugin has put into `collected` into a route, marked as belonging to this
 * installation: for routes below another installation of the plugin they are left out when pipelines are merged.
 */
export function installScoped(
  collected: ApplicationCallPipeline,
  route: Route,
  key: AttributeKey<unknown>,
): void {
  move(collected, route, route, key);
  const { receivePipelineOrNull, sendPipelineOrNull } = collected;
  if (receivePipelineOrNull !== undefined) move(receivePipelineOrNull, route.receivePipeline, route, key);
  if (sendPipelineOrNull !== undefined) move(sendPipelineOrNull, route.sendPipeline, route, key);
}

function move<Subject, Context>(
  from: Pipeline<Subject, Context>,
  to: Pipeline<Subject, Context>,
  route: Route,
  key: AttributeKey<unknown>,
): void {
  to.mergePhases(from);
  for (const phase of from.items)
    for (const interceptor of from.interceptorsForPhase(phase))
      to.intercept(
        phase,
        scoped((run, subject) => interceptor(run, subject), route, key),
      );
}

/** The instance that is in effect for a route: the nearest upwards, at last that of the application. */
export function pluginOf<Config, Instance>(route: Route, plugin: Plugin<Route, Config, Instance>): Instance {
  for (let at: Route | undefined = route; at !== undefined; at = at.parent) {
    const instance = pluginOrNull(at, plugin);
    if (instance !== undefined) return instance;
  }
  const instance = pluginOrNull(route.root.application, plugin);
  if (instance === undefined) throw missingPlugin(plugin.key.name);
  return instance;
}
