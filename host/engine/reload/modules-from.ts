import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Application, Module } from '../../application/application.js';
import type { ModuleSource } from '../base-engine.js';

/** Modules of an embedded server that are loaded by reference, so that a reload takes their changed code. */
export interface EmbeddedModules {
  readonly modulesOf: ModuleSource;
}

/**
 * Modules by reference: `dist/shop.js#shopModule` relative to the working directory, or a `URL` of the same form; without
 * `#` the default export. Loaded when the server starts, and anew at each reload. A reference that leads nowhere fails
 * the start with a ModuleLoadError, such as `PORTICO_EXPORT_MISSING`.
 *
 * ```ts
 * const settings = { port: 8080, developmentMode: true, watchPaths: ['dist'] };
 * await embeddedServer(CIO, settings, modulesFrom('dist/shop.js#shopModule')).start();
 * ```
 */
export function modulesFrom(...references: readonly (string | URL)[]): EmbeddedModules {
  return {
    modulesOf: (generation) => references.map((reference) => moduleOf(String(reference), generation)),
  };
}

/** Loads itself when it is run: a failure to load is a failure of the start. */
function moduleOf(reference: string, generation: number): Module {
  const [path = '', ...names] = reference.split('#');
  const file = path.startsWith('file:') ? fileURLToPath(path) : resolve(path);
  return async (application: Application) => {
    const { loadModule } = await import('../modules/named-module.js');
    const module = await loadModule(dirname(file), [basename(file), ...names].join('#'), generation);
    await module(application);
  };
}
