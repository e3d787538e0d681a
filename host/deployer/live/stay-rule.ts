import type { VersionSettings } from '../../config/version-settings.js';
import { counted } from '../../counted.js';

/** What is known of a version that a newer one has replaced. Times are milliseconds. */
export interface StayFacts {
  /** Requests, tunnels among them, that are not over. */
  readonly inFlight: number;
  readonly tunnels: number;
  /** Since it was replaced. */
  readonly replacedForMs: number;
  /** Since the last request of a client that stays with it; undefined: there was none. */
  readonly pinnedAgoMs: number | undefined;
  /** What has replaced it may still give way to it. */
  readonly isWarm: boolean;
  /** How often the counts were looked at since it was replaced. */
  readonly looks: number;
}

/** The fronts report once a second; before that many looks, nothing seen does not mean nothing there. */
const SURE_AFTER_LOOKS = 3;

/** Why an old version is still live, for people; undefined: it is not needed any more, or its time is over. */
export function reasonToStay(
  facts: StayFacts,
  settings: Pick<VersionSettings, 'pinnedIdleMs' | 'maxAgeMs' | 'sessionCookies'>,
): string | undefined {
  const { inFlight, tunnels, replacedForMs, isWarm, looks } = facts;
  if (isWarm) return 'what has replaced it is on probation';
  if (replacedForMs >= settings.maxAgeMs) return undefined;
  if (tunnels > 0) return counted(tunnels, 'WebSocket');
  if (inFlight > 0) return `${counted(inFlight, 'request')} in flight`;
  // Clients with a session and without a pin are known only when they come.
  const mayCome = settings.sessionCookies.length > 0 && replacedForMs < settings.pinnedIdleMs;
  const idleMs = Math.min(
    facts.pinnedAgoMs ?? Number.POSITIVE_INFINITY,
    mayCome ? replacedForMs : Number.POSITIVE_INFINITY,
  );
  if (idleMs < settings.pinnedIdleMs)
    return `clients that stay with it; the last came ${seconds(idleMs)} ago`;
  return looks < SURE_AFTER_LOOKS ? 'it was replaced a moment ago' : undefined;
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
