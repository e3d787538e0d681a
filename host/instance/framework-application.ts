import type { Module } from '../application/application.js';
import { ObjectConfig } from '../application/application-config.js';
import { applicationEnvironment } from '../application/environment.js';
import { ServletApplicationEngine } from '../engine/servlet/servlet-application-engine.js';
import { BootFailure, type BootProgress, describeThrown } from './boot-failure.js';
import { type LoadedFile, loadFile } from './entry-file.js';
import { describeExports } from './exported-value.js';
import type { BootPlan } from './messages.js';
import type { RunningApplication } from './running-application.js';

/**
 * Starts an application on Portico's framework: loads its modules from the bundle and gives them to the servlet
 * engine, which configures the application with them. Resolves when `ApplicationStarted` has been raised.
 */
export async function startFrameworkApplication(
  plan: BootPlan,
  modules: readonly string[],
  progress: BootProgress,
): Promise<RunningApplication> {
  const loaded: Module[] = [];
  for (const reference of modules) {
    progress.waitsFor(neverLoaded(reference));
    loaded.push(await loadModule(plan.folder, reference));
  }
  progress.waitsFor(
    new BootFailure(
      'configure',
      'PORTICO_NEVER_READY',
      `The application does not get ready. One of its modules (${modules.join(', ')}) returned a promise that does not resolve.`,
    ),
  );
  const engine = new ServletApplicationEngine({
    environment: applicationEnvironment({ config: new ObjectConfig(plan.config) }),
    contextPath: plan.contextPath,
    prefix: plan.prefix,
    modules: loaded,
    startTimeoutMs: plan.startTimeoutMs,
  });
  try {
    await engine.start();
  } catch (cause) {
    throw new BootFailure(
      'configure',
      'PORTICO_MODULE_FAILED',
      `The application could not be configured: ${describeThrown(cause)}`,
      { cause },
    );
  }
  return {
    kind: 'framework',
    handle: engine.handle,
    stop: (graceMs) => engine.stop(graceMs, graceMs),
    onClosed: () => undefined,
  };
}

/** `dist/shop.js#shopModule`; without `#` the default export. */
async function loadModule(folder: string, reference: string): Promise<Module> {
  const hash = reference.lastIndexOf('#');
  const path = hash < 0 ? reference : reference.slice(0, hash);
  const name = hash < 0 ? 'default' : reference.slice(hash + 1);
  const file = await loadFile(folder, path, false);
  const exported = exportNamed(file, name);
  if (typeof exported === 'function') return exported as Module;
  const found = describeExports(file.exports);
  if (exported === undefined) {
    const wanted = name === 'default' ? 'no default export' : `no export ${JSON.stringify(name)}`;
    throw new BootFailure(
      'load',
      'PORTICO_EXPORT_MISSING',
      `${file.name} has ${wanted}; it exports ${found}. Export the module function, or correct "${reference}" in application.yaml.`,
    );
  }
  throw new BootFailure(
    'load',
    'PORTICO_EXPORT_NOT_A_FUNCTION',
    `"${reference}" is no function; ${file.name} exports ${found}. A module is a function that gets the application.`,
  );
}

function exportNamed(file: LoadedFile, name: string): unknown {
  const { exports } = file;
  if (Object.hasOwn(exports, name)) return exports[name];
  // CommonJS: the exports of the file are the properties of `module.exports`.
  const fallback = exports['default'] as Record<string, unknown> | null | undefined;
  return name !== 'default' && typeof fallback === 'object' && fallback !== null ? fallback[name] : undefined;
}

function neverLoaded(reference: string): BootFailure {
  return new BootFailure(
    'load',
    'PORTICO_NEVER_LOADED',
    `"${reference}" does not finish loading. A top-level await waits for something that does not come.`,
  );
}
