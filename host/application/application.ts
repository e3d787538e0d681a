import { within } from '../deadline.js';
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
  readonly #owned: unknown[] = [];

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

  /** Has an instance closed when the application stops, if it can be; for plugins that are installed elsewhere. */
  closeAtEnd(instance: unknown): void {
    this.#owned.push(instance);
  }

  /**
   * Closes the plugins that can be closed, those of routes first, each in reverse order. Failures are logged; 5 s for
   * all of them together, then nobody waits any more. For the engine.
   */
  async dispose(): Promise<void> {
    const end = performance.now() + CLOSE_MS;
    for (const instance of [...installedPlugins(this), ...this.#owned.splice(0)].toReversed()) {
      if (!isCloseable(instance)) continue;
      try {
        const closing = Promise.resolve(instance.close());
        if (!(await within(closing, Math.max(0, end - performance.now()))))
          this.log.warn(`A plugin is still closing after ${CLOSE_MS} ms; the stop goes on without it.`);
      } catch (error) {
        this.log.error(`A plugin could not be closed: ${messageOf(error)}`, error);
      }
    }
  }
}

const CLOSE_MS = 5000;

function isCloseable(instance: unknown): instance is Closeable {
  return (
    typeof instance === 'object' &&
    instance !== null &&
    typeof (instance as { close?: unknown }).close === 'function'
  );
}
