import nodeModule, { createRequire, register } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOwnName } from './provided-package-hooks.js';

/**
 * Lets a bundle that does not carry `portico` import or require the one that runs it, as it can in the container.
 * Nothing happens where the bundle finds one by itself.
 */
export function providePackage(folder: string): void {
  try {
    createRequire(join(folder, 'package.json')).resolve('portico/package.json');
  } catch {
    // Not there: from now on it is this one.
    register('./provided-package-hooks.js', import.meta.url);
    provideToRequire();
  }
}

type ResolveFilename = (this: unknown, request: string, ...more: unknown[]) => string;

/** `require` has no documented hook in Node 20; this one is what other tools use. Only what would fail is changed. */
function provideToRequire(): void {
  const loader = nodeModule as unknown as { _resolveFilename: ResolveFilename };
  const original = loader._resolveFilename;
  loader._resolveFilename = function resolveFilename(request, ...more) {
    try {
      return original.call(this, request, ...more);
    } catch (error) {
      if (!isOwnName(request)) throw error;
      return fileURLToPath(import.meta.resolve(request));
    }
  };
}
