import type { Application } from './application.js';
import type { ApplicationEnvironment } from './environment.js';
import { EventDefinition } from './events.js';

/** The engine begins to start the application; the engine's own defaults are installed now. */
export const ApplicationStarting = new EventDefinition<Application>('ApplicationStarting');
/** Before the first module. */
export const ApplicationModulesLoading = new EventDefinition<Application>('ApplicationModulesLoading');
/** All modules have run. */
export const ApplicationModulesLoaded = new EventDefinition<Application>('ApplicationModulesLoaded');
/** The application is complete; connectors are not open yet. */
export const ApplicationStarted = new EventDefinition<Application>('ApplicationStarted');
/** Calls are accepted. */
export const ServerReady = new EventDefinition<ApplicationEnvironment>('ServerReady');
/**
 * The engine is about to stop accepting calls, or the container sends no more but what is on its way: answers that last
 * for long end now. Raised once; calls are still answered.
 */
export const ApplicationStopPreparing = new EventDefinition<ApplicationEnvironment>(
  'ApplicationStopPreparing',
);
/** No calls are running any more; plugins are about to be closed. */
export const ApplicationStopping = new EventDefinition<Application>('ApplicationStopping');
/** Plugins are closed; nothing of the application runs any more. */
export const ApplicationStopped = new EventDefinition<Application>('ApplicationStopped');

/** All of them, in the order in which one life of an application raises them. */
export const LIFECYCLE_EVENTS = [
  ApplicationStarting,
  ApplicationModulesLoading,
  ApplicationModulesLoaded,
  ApplicationStarted,
  ServerReady,
  ApplicationStopPreparing,
  ApplicationStopping,
  ApplicationStopped,
] as readonly EventDefinition<unknown>[];
