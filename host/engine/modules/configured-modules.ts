import type { Application, Module } from '../../application/application.js';
import type { ApplicationConfig } from '../../application/application-config.js';
import type { ApplicationConfigValue } from '../../application/config-value.js';
import { runModule } from '../../application/run-module.js';
import { PorticoError } from '../../errors.js';
import { MAX_DURATION_MS } from '../../units.js';

/**
 * The modules that the configuration names, in order, each found when its turn comes. `folder` is absolute: the
 * references start from there. What finds them is loaded with the first one. `generation` is above 0 at a reload, see
 * `importGeneration`.
 */
export function configuredModules(
  config: ApplicationConfig,
  folder: string,
  generation = 0,
): readonly Module[] {
  return moduleReferences(config).map((reference) => async (application: Application) => {
    const { loadModule } = await import('./named-module.js');
    const module = await loadModule(folder, reference, generation);
    await runModule(module, application, reference);
  });
}

/** Module references of `portico.application.modules`, in order; a single text counts as a list of one. */
function moduleReferences(config: ApplicationConfig): readonly string[] {
  const value = config.propertyOrNull('portico.application.modules');
  if (value === undefined) return [];
  return value.type === 'SINGLE' ? [value.getString()] : value.getList();
}

/** How modules are run, as the configuration says. */
export interface StartupSettings {
  readonly startup: 'sequential' | 'concurrent';
  readonly startTimeoutMs: number | undefined;
}

/** `portico.application.startup` and `startupTimeoutMillis`. Throws `PORTICO_STARTUP_INVALID`, `PORTICO_PROPERTY_TYPE`. */
export function startupSettings(config: ApplicationConfig): StartupSettings {
  const value = config.propertyOrNull('portico.application.startup');
  const startup = value?.getString() ?? 'sequential';
  if (startup !== 'sequential' && startup !== 'concurrent')
    throw new PorticoError(
      'PORTICO_STARTUP_INVALID',
      `Invalid startup mode: ${JSON.stringify(startup)}${value?.origin === undefined ? '' : ` (${value.origin})`}. Write sequential or concurrent.`,
    );
  return {
    startup,
    startTimeoutMs: timeoutOf(config.propertyOrNull('portico.application.startupTimeoutMillis')),
  };
}

function timeoutOf(value: ApplicationConfigValue | undefined): number | undefined {
  const timeoutMs = value?.getNumber();
  if (timeoutMs === undefined || (timeoutMs > 0 && timeoutMs <= MAX_DURATION_MS)) return timeoutMs;
  throw new PorticoError(
    'PORTICO_PROPERTY_TYPE',
    `portico.application.startupTimeoutMillis is ${timeoutMs}${value?.origin === undefined ? '' : ` (${value.origin})`}. Write a number of milliseconds from 1 to ${MAX_DURATION_MS}.`,
  );
}
