import type { Application } from '../application/application.js';
import type { ApplicationConfig } from '../application/application-config.js';
import { ApplicationCallPipeline } from '../application/call-pipelines.js';
import { isPluginInstalled, type Plugin } from '../application/plugin.js';
import { checkFunction, PorticoError } from '../errors.js';
import { AttributeKey } from '../pipeline/attributes.js';
import { Route } from '../routing/route.js';
import { installScoped } from './install-scoped.js';
import { PluginBuilder } from './plugin-builder.js';

/** A plugin for the whole application. */
export type ApplicationPlugin<Config, Instance> = Plugin<Application, Config, Instance>;

/**
 * A plugin for the application or for a route and its subtree. An installation further down replaces this one for its
 * subtree, with a configuration of its own; nothing is inherited.
 */
export type RouteScopedPlugin<Config, Instance> = Plugin<Application | Route, Config, Instance>;

/** How a plugin is made. */
export interface PluginDefinition<Config, Instance> {
  /**
   * Makes the configuration of one installation, with its defaults. `settings` is the part of the application's
   * configuration at `configurationPath`; empty without one.
   */
  createConfig(settings: ApplicationConfig): Config;
  /** Where the settings of the plugin are: `portico.compression`. */
  readonly configurationPath?: string;
  /**
   * Runs once for each installation, when the configuration is complete. Gives what `application.plugin(…)` finds; an
   * instance with `close()` is closed when the application stops.
   */
  install(plugin: PluginBuilder<Config>): Instance;
}

/**
 * Makes a plugin that can be installed into an application. The name must be unique among plugins.
 *
 * ```ts
 * export const PoweredBy = createApplicationPlugin('PoweredBy', {
 *   createConfig: () => ({ text: 'Portico' }),
 *   install: (plugin) => plugin.onCall((call) => call.response.header('X-Powered-By', plugin.config.text)),
 * });
 *
 * application.install(PoweredBy, (config) => { config.text = 'tea'; });
 * ```
 */
export function createApplicationPlugin<Config, Instance>(
  name: string,
  definition: PluginDefinition<Config, Instance>,
): ApplicationPlugin<Config, Instance> {
  checkDefinition(name, definition);
  return {
    key: new AttributeKey<Instance>(name),
    install: (application, configure) =>
      definition.install(
        new PluginBuilder(application, configOf(definition, application, configure), undefined, application),
      ),
  };
}

/** As `createApplicationPlugin`, for plugins that can also be installed into a route. */
export function createRouteScopedPlugin<Config, Instance>(
  name: string,
  definition: PluginDefinition<Config, Instance>,
): RouteScopedPlugin<Config, Instance> {
  checkDefinition(name, definition);
  const key = new AttributeKey<Instance>(name);
  return {
    key,
    install(target, configure) {
      if (!(target instanceof Route)) {
        if (inRoutesOf(target).has(name)) throw installedBelow(name);
        const config = configOf(definition, target, configure);
        return definition.install(new PluginBuilder(target, config, undefined, target));
      }
      const { application } = target.root;
      if (isPluginInstalled(application, key)) throw installedAbove(name);
      const config = configOf(definition, application, configure);
      const collected = new ApplicationCallPipeline();
      const instance = definition.install(new PluginBuilder(application, config, target, collected));
      installScoped(collected, target, key);
      inRoutesOf(application).add(name);
      return instance;
    },
  };
}

function checkDefinition<Config, Instance>(
  name: string,
  { createConfig, install }: PluginDefinition<Config, Instance>,
): void {
  checkFunction(createConfig, () => `createConfig of the plugin ${name}`);
  checkFunction(install, () => `install of the plugin ${name}`);
}

const IN_ROUTES = new AttributeKey<Set<string>>('portico.plugins.inRoutes');

/** Names of the plugins that routes of an application have. */
function inRoutesOf(application: Application): Set<string> {
  return application.attributes.computeIfAbsent(IN_ROUTES, () => new Set<string>());
}

function installedBelow(name: string): PorticoError {
  return new PorticoError(
    'PORTICO_DUPLICATE_PLUGIN',
    `The plugin ${name} is installed in a route already, so the application cannot have it as well. ` +
      'Install it at the root of the routing instead of the application.',
  );
}

function installedAbove(name: string): PorticoError {
  return new PorticoError(
    'PORTICO_DUPLICATE_PLUGIN',
    `The plugin ${name} is installed in the application already, so no route can have one of its own. ` +
      'Install it at the root of the routing instead of the application.',
  );
}

function configOf<Config, Instance>(
  { createConfig, configurationPath }: PluginDefinition<Config, Instance>,
  application: Application,
  configure: (config: Config) => void,
): Config {
  // A path that is not in the configuration gives an empty one.
  const config = createConfig(
    application.environment.config.config(configurationPath ?? 'portico.plugins.none'),
  );
  configure(config);
  return config;
}
