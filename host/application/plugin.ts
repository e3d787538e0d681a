import { kindOf, PorticoError } from '../errors.js';
import { AttributeKey } from '../pipeline/attributes.js';
import type { ApplicationCallPipeline } from './call-pipelines.js';
import { configureBy } from './configure.js';

/**
 * Something that is installed into an application or a route and configures it. `Target` says where it may go.
 * `install` is called once per installation and gives what `plugin()` finds later.
 */
export interface Plugin<Target extends ApplicationCallPipeline, Config, Instance> {
  /** Its name must be unique; the instance is kept under it. */
  readonly key: AttributeKey<Instance>;
  install(target: Target, configure: (config: Config) => void): Instance;
}

/** Instances that have something to close when the application stops. */
export interface Closeable {
  close(): void | Promise<void>;
}

const INSTALLED = new AttributeKey<Map<string, unknown>>('portico.plugins');

/**
 * Installs a plugin. A second one of the same name on the same target: `PORTICO_DUPLICATE_PLUGIN`; something that is no
 * plugin: `PORTICO_NOT_A_PLUGIN`. `configure` is run by the plugin, as `configureBy` does it.
 */
export function installPlugin<Target extends ApplicationCallPipeline, Config, Instance>(
  target: Target,
  plugin: Plugin<Target, Config, Instance>,
  configure: (config: Config) => void = () => undefined,
): Instance {
  checkPlugin(plugin);
  const installed = target.attributes.computeIfAbsent(INSTALLED, () => new Map<string, unknown>());
  if (installed.has(plugin.key.name))
    throw new PorticoError(
      'PORTICO_DUPLICATE_PLUGIN',
      `The plugin ${plugin.key.name} is already installed here. Install it once and configure it there.`,
    );
  const instance = plugin.install(target, (config) =>
    configureBy(configure, config, () => `the plugin ${plugin.key.name}`),
  );
  installed.set(plugin.key.name, instance);
  return instance;
}

/** Programs in JavaScript install what they have imported, whatever it is. */
function checkPlugin(given: unknown): void {
  const { key, install } = (given ?? {}) as { readonly key?: unknown; readonly install?: unknown };
  // By its shape: a plugin may be made with another copy of Portico.
  const name = (key as { readonly name?: unknown } | null | undefined)?.name;
  if (typeof name === 'string' && typeof install === 'function') return;
  throw new PorticoError(
    'PORTICO_NOT_A_PLUGIN',
    `install() needs a plugin, and got ${kindOf(given)}. Plugins are imported by name, for example ` +
      "import { CORS } from 'portico/plugins/cors'.",
  );
}

/** What was installed under the plugin's key on this very target. */
export function pluginOrNull<Target extends ApplicationCallPipeline, Config, Instance>(
  target: ApplicationCallPipeline,
  plugin: Plugin<Target, Config, Instance>,
): Instance | undefined {
  return target.attributes.getOrNull(INSTALLED)?.get(plugin.key.name) as Instance | undefined;
}

/** Is a plugin of this name installed on this very target? */
export function isPluginInstalled(target: ApplicationCallPipeline, key: AttributeKey<unknown>): boolean {
  return target.attributes.getOrNull(INSTALLED)?.has(key.name) ?? false;
}

/** All instances of a target, in the order they were installed. */
export function installedPlugins(target: ApplicationCallPipeline): readonly unknown[] {
  return [...(target.attributes.getOrNull(INSTALLED)?.values() ?? [])];
}

/** The error for a plugin that is needed and not there. */
export function missingPlugin(name: string): PorticoError {
  return new PorticoError('PORTICO_MISSING_PLUGIN', `The plugin ${name} is not installed. Install it first.`);
}
