import { createRequire, register } from 'node:module';
import { join } from 'node:path';

/**
 * Lets a bundle that does not carry `portico` import the one that runs it, as it can in the container. Nothing happens
 * where the bundle finds one by itself.
 */
export function providePackage(folder: string): void {
  try {
    createRequire(join(folder, 'package.json')).resolve('portico/package.json');
  } catch {
    // Not there: from now on it is this one.
    register('./provided-package-hooks.js', import.meta.url);
  }
}
