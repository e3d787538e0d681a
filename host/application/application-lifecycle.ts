import { within } from '../deadline.js';
import { checkFunction, PorticoError } from '../errors.js';
import type { Application, Module } from './application.js';
import {
  ApplicationModulesLoaded,
  ApplicationModulesLoading,
  ApplicationStarted,
  ApplicationStarting,
  ApplicationStopped,
  ApplicationStopping,
} from './application-events.js';
import { throwFirst } from './events.js';
import { runModule } from './run-module.js';

/** How the modules of an application are run. */
export interface StartSettings {
  /** In order. */
  readonly modules: readonly Module[];
  /** For all modules together; default 10 s. Beyond it the start fails with `PORTICO_START_TIMEOUT`. */
  readonly startTimeoutMs?: number | undefined;
  /** `concurrent`: all modules at once, interleaved where they wait. Default `sequential`. */
  readonly startup?: 'sequential' | 'concurrent' | undefined;
}

const DEFAULT_START_TIMEOUT_MS = 10_000;
const GIVE_UP_MS = 5000;

/**
 * Raises Starting, ModulesLoading, runs the modules, raises ModulesLoaded and Started. When a module or a handler of
 * the later three fails, Stopping and Stopped are raised once, the plugins are closed, and the error comes out.
 */
export async function startApplication(application: Application, settings: StartSettings): Promise<void> {
  const { monitor, log } = application;
  const begin = performance.now();
  monitor.raiseCatching(ApplicationStarting, application, log);
  let isGivenUp = false;
  try {
    const timeoutMs = settings.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS;
    if (
      !(await within(
        loadModules(application, settings, () => isGivenUp),
        timeoutMs,
      ))
    )
      throw startTimeout(timeoutMs);
    monitor.raise(ApplicationModulesLoaded, application);
    monitor.raise(ApplicationStarted, application);
  } catch (error) {
    isGivenUp = true;
    await giveUpApplication(application);
    throw error;
  }
  log.info(`Application started in ${((performance.now() - begin) / 1000).toFixed(3)} seconds.`);
}

/** Raises Stopping, closes the plugins, raises Stopped. Never rejects: failures are logged. */
export async function stopApplication(application: Application): Promise<void> {
  application.monitor.raiseCatching(ApplicationStopping, application, application.log);
  await application.dispose();
  application.monitor.raiseCatching(ApplicationStopped, application, application.log);
}

/** As `stopApplication`, for an application that is not wanted any more: waits at most 5 s for plugins that close. */
export async function giveUpApplication(application: Application): Promise<void> {
  if (!(await within(stopApplication(application), GIVE_UP_MS)))
    application.log.warn(`A plugin has not closed within ${GIVE_UP_MS} ms; it is left alone.`);
}

/** `isGivenUp`: the application is stopped already; a module that ends late must not let the next one begin. */
async function loadModules(
  application: Application,
  settings: StartSettings,
  isGivenUp: () => boolean,
): Promise<void> {
  for (const module of settings.modules) checkFunction(module, () => 'A module');
  if (settings.startup === 'concurrent') return loadAtOnce(application, settings.modules);
  application.monitor.raise(ApplicationModulesLoading, application);
  for (const module of settings.modules) {
    if (isGivenUp()) return;
    await runModule(module, application);
  }
}

async function loadAtOnce(application: Application, modules: readonly Module[]): Promise<void> {
  const running = modules.map((module) => runModule(module, application));
  application.monitor.raise(ApplicationModulesLoading, application);
  const results = await Promise.allSettled(running);
  throwFirst(results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : [])));
}

function startTimeout(timeoutMs: number): PorticoError {
  return new PorticoError(
    'PORTICO_START_TIMEOUT',
    `The modules were not done after ${timeoutMs} ms. Look for a module that waits for something that ` +
      'does not come, or allow more time.',
  );
}
