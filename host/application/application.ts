import { messageOf } from '../errors.js';
import { ApplicationCallPipeline } from './call-pipelines.js';
import { installDefaultTransforms } from './default-transforms.js';
import type { ApplicationEnvironment } from './environment.js';
import type { Events } from './events.js';
import type { Log } from './log.js';
import {
  type Closeable,
  installedPlugins,
  installPlugin,
  missingPlugin,
  type Plugin,
  pluginOrNull,
} from './plugin.js';

/**
 * A function that configures an application: installs plugins, adds routes and interceptors. May be asynchronous; the
 * application is started when all its modules are done.
 *
 * ```ts
 * import { type Application, routing } from 'portico';
 *
 * export function shopModule(application: Application): void {
 *   routing(application, (r) => {
 *     r.get('/', (call) => call.respondText('hi'));
 *     r.get('/items/{id}', (call) => ({ id: call.parameters.id }));
 *   });
 * }
 * ```
 */
export type Module = (application: Application) => void | Promise<void>;

/**
 * The pipeline all calls of one application go through, and what belongs to it. Made by an engine, which starts and
 * disposes it; modules fill it. Outlives every call, does not outlive its engine.
 */
export class Application extends ApplicationCallPipeline {
  readonly environment: ApplicationEnvironment;
  /** Tells what happens to the application. */
  readonly monitor: Events;

  constructor(environment: ApplicationEnvironment, monitor: Events = environment.monitor) {
    super();
    this.environment = environment;
    this.monitor = monitor;
    installDefaultTransforms(this);
  }

  get log(): Log {
    return this.environment.log;
  }

  /** `''`, or the path everything hangs under: `/shop`. In the container the context path. */
  get rootPath(): string {
    return this.environment.rootPath;
  }

  get developmentMode(): boolean {
    return this.environment.developmentMode;
  }

  /** Path of this application, `/login`, as clients must name it: `/shop/login`. */
  href(path: string): string {
    return this.rootPath + (path.startsWith('/') ? path : `/${path}`);
  }

  /** Installs a plugin; a second time is `PORTICO_DUPLICATE_PLUGIN`. */
  install<Config, Instance>(
    plugin: Plugin<Application, Config, Instance>,
    configure?: (config: Config) => void,
  ): Instance {
    return installPlugin<Application, Config, Instance>(this, plugin, configure);
  }

  /** The instance of an installed plugin; `PORTICO_MISSING_PLUGIN` when it is not. */
  plugin<Config, Instance>(plugin: Plugin<Application, Config, Instance>): Instance {
    const instance = this.pluginOrNull(plugin);
    if (instance === undefined) throw missingPlugin(plugin.key.name);
    return instance;
  }

  pluginOrNull<Config, Instance>(plugin: Plugin<Application, Config, Instance>): Instance | undefined {
    return pluginOrNull(this, plugin);
  }

  /** Closes the plugins that can be closed, in reverse order; failures are logged. For the engine. */
  async dispose(): Promise<void> {
    for (const instance of installedPlugins(this).toReversed()) {
      if (!isCloseable(instance)) continue;
      try {
        await instance.close();
      } catch (error) {
        this.log.error(`A plugin could not be closed: ${messageOf(error)}`, error);
      }
    }
  }
}

function isCloseable(instance: unknown): instance is Closeable {
  return (
    typeof instance === 'object' &&
    instance !== null &&
    typeof (instance as { close?: unknown }).close === 'function'
  );
}
