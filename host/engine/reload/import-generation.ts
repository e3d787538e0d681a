import nodeModule, { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { PorticoError } from '../../errors.js';
import { GENERATION, withGeneration } from './generation-hooks.js';

/**
 * Imports a file anew for each generation: 0 is the ordinary import; a later one loads the file and everything it imports
 * again, in this process. Not loaded again: packages in `node_modules`, Portico, and what a worker thread holds. Node
 * never forgets an ES module, so each generation costs the memory of its code; good for development, not for production.
 *
 * Where Node has no hooks for its loader (`module.register`): `PORTICO_RELOAD_UNSUPPORTED`.
 */
export async function importGeneration(file: string, generation: number): Promise<Record<string, unknown>> {
  const url = pathToFileURL(file);
  if (generation > 0) {
    registerHooks();
    forgetCommonJs();
    url.searchParams.set(GENERATION, String(generation));
  }
  return (await import(url.href)) as Record<string, unknown>;
}

/** What newer versions of Node have besides `register`: hooks in the same thread. */
interface LoaderHooks {
  readonly registerHooks?: (hooks: {
    resolve(
      specifier: string,
      context: { readonly parentURL?: string },
      next: (specifier: string, context: unknown) => { url: string },
    ): { url: string };
  }) => unknown;
  readonly register?: (url: URL) => void;
}

let areHooksRegistered = false;

function registerHooks(): void {
  if (areHooksRegistered) return;
  areHooksRegistered = true;
  const hooks = nodeModule as unknown as LoaderHooks;
  if (hooks.registerHooks !== undefined) {
    hooks.registerHooks({
      resolve(specifier, context, next) {
        const resolved = next(specifier, context);
        return { ...resolved, url: withGeneration(resolved.url, context.parentURL) };
      },
    });
  } else if (hooks.register !== undefined) {
    hooks.register(new URL('./generation-hooks.js', import.meta.url));
  } else {
    throw new PorticoError(
      'PORTICO_RELOAD_UNSUPPORTED',
      `Node ${process.versions.node} cannot load modules anew. Use Node 20.6 or newer, or start the program again.`,
    );
  }
}

/** CommonJS has one cache for the process, by file name. */
function forgetCommonJs(): void {
  const { cache } = createRequire(import.meta.url);
  for (const file of Object.keys(cache)) if (!file.includes('/node_modules/')) delete cache[file];
}
