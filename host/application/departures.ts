import type { Departure } from '../lifecycle/departure.js';
import type { ApplicationEnvironment } from './environment.js';

/** Why applications with this environment stop. An environment itself never changes. */
const departures = new WeakMap<ApplicationEnvironment, Departure>();

/** For engines: said before `ApplicationStopPreparing` is raised. */
export function noteDeparture(environment: ApplicationEnvironment, departure: Departure): void {
  departures.set(environment, departure);
}

/**
 * What those who end long-lived answers tell their clients: `replaced` when another version, or another start, takes over.
 * Asked while `ApplicationStopPreparing` is raised.
 */
export function departureOf(environment: ApplicationEnvironment): Departure {
  return departures.get(environment) ?? 'ended';
}
