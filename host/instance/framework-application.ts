import type { Module } from '../application/application.js';
import { ObjectConfig } from '../application/application-config.js';
import { applicationEnvironment } from '../application/environment.js';
import { startupSettings } from '../engine/modules/configured-modules.js';
import { loadModule } from '../engine/modules/named-module.js';
import { describeThrown } from '../engine/modules/thrown.js';
import { ServletApplicationEngine } from '../engine/servlet/servlet-application-engine.js';
import { PorticoError } from '../errors.js';
import { BootFailure, type BootProgress } from './boot-failure.js';
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
  onStopRequest: () => void,
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
  const config = new ObjectConfig(plan.config, plan.configOrigins);
  const { startup, startTimeoutMs = plan.startTimeoutMs } = startupSettings(config);
  const engine = new ServletApplicationEngine({
    environment: applicationEnvironment({
      config,
      // A bundle does not decide that strangers see its stacks: the host does, see `portico dev`.
      developmentMode: plan.developmentMode === true,
    }),
    contextPath: plan.contextPath,
    shownPlaces: shownPlacesOf(plan),
    prefix: plan.prefix,
    modules: loaded,
    onShutdownRequest: onStopRequest,
    startup,
    startTimeoutMs: Math.min(startTimeoutMs, plan.startTimeoutMs),
  });
  try {
    await engine.start();
  } catch (cause) {
    throw new BootFailure(
      'configure',
      isTimeout(cause) ? cause.code : 'PORTICO_MODULE_FAILED',
      `The application could not be configured: ${describeThrown(cause)}`,
      { cause },
    );
  }
  return {
    kind: 'framework',
    get application() {
      return engine.application;
    },
    handle: engine.handle,
    prepareStop: (departure) => engine.prepareStop(departure),
    stop: (graceMs) => engine.stop(graceMs, graceMs),
    onClosed: () => undefined,
  };
}

/** Developers have the bundle, not the copy of it that runs. */
function shownPlacesOf({ folder, developedIn }: BootPlan): ((text: string) => string) | undefined {
  return developedIn === undefined ? undefined : (text) => text.replaceAll(folder, developedIn);
}

function isTimeout(cause: unknown): cause is PorticoError {
  return cause instanceof PorticoError && cause.code === 'PORTICO_START_TIMEOUT';
}

function neverLoaded(reference: string): BootFailure {
  return new BootFailure(
    'load',
    'PORTICO_NEVER_LOADED',
    `"${reference}" does not finish loading. A top-level await waits for something that does not come.`,
  );
}
