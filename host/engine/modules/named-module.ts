import type { Application, Module } from '../../application/application.js';
import { loadFunction } from './named-function.js';

/**
 * Finds the module function a configuration names. The agent in the container and applications on their own use this
 * one. A reference is
 *
 * - `./dist/shop.js#shopModule`: an export of a file, relative to the folder of the application; `./` may be left out;
 * - `./dist/shop.js`: its default export;
 * - `./dist/shop.js#Shop.main`: a function that an exported object or class holds;
 * - `@acme/shop#module`, `@acme/shop`: the same of a package in `node_modules` of the folder.
 *
 * With a `generation` above 0 the file is loaded anew, see `importGeneration`. Throws ModuleLoadError.
 */
export async function loadModule(folder: string, reference: string, generation = 0): Promise<Module> {
  const module = await loadFunction(folder, reference, { generation, what: WHAT });
  return (application: Application) => (module as Module)(application);
}

const WHAT = { noun: 'module', advice: 'A module is a function that gets the application.' };
