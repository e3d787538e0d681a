import type { ContextName } from '../bundle/context-name.js';
import type { ApplicationStatus, ContextState, LiveStatus } from './application-status.js';
import type { LiveVersions } from './live/live-versions.js';
import { placeOf, shownPlace } from './place.js';
import type { Waiting } from './plan/plan.js';
import { targetOf } from './route/context-route.js';
import type { Version } from './version.js';

/** State of a version and the reason for it; follows from what serves its path and what was wished. */
export function stateOf(
  version: Version,
  live: LiveVersions,
): { readonly state: ContextState; readonly reason: string | undefined } {
  const { active } = live;
  const running = live.of(version);
  if (running !== undefined) {
    if (version.activity === 'removing') return { state: 'removing', reason: 'its bundle was removed' };
    if (targetOf(running) !== undefined) {
      if (!running.isMapped) return { state: 'starting', reason: 'it is being started' };
      return { state: 'running', reason: running.trouble?.reason };
    }
    if (running.gaveUp !== undefined) return { state: 'failed', reason: running.gaveUp };
    return { state: 'restarting', reason: running.trouble?.reason ?? 'no instance is ready' };
  }
  switch (version.activity) {
    case 'removing':
      return { state: 'removing', reason: 'its bundle was removed' };
    case 'draining':
      return { state: 'draining', reason: 'it is being stopped' };
    case 'starting':
      return { state: 'starting', reason: 'it is being started' };
  }
  switch (version.wish) {
    case 'failed':
      return { state: 'failed', reason: version.reason };
    case 'held':
      return { state: 'stopped', reason: 'stopped by an operator' };
    case 'lazy':
      return { state: 'stopped', reason: 'it starts with the first request' };
    case 'manual':
      return { state: 'stopped', reason: 'it waits for a start by hand' };
    case 'run':
      return {
        state: 'stopped',
        reason: active && `${active.version.name} serves ${shownPlace(placeOf(version.order.context).id)}`,
      };
  }
}

/** Everything an operator may see of a version. */
export function statusOf(
  version: Version,
  live: LiveVersions,
  defaultHost: string | undefined,
  beside?: LiveStatus,
): ApplicationStatus {
  const mine = live.of(version);
  const { state, reason } = stateOf(version, live);
  const prepared = mine?.prepared ?? version.prepared;
  return {
    name: version.name,
    ...mountOf(version.order.context, defaultHost),
    version: version.order.context.version,
    state,
    kind: mine?.process?.kind?.() ?? kindOf(prepared?.manifest.entry.kind, mine !== undefined),
    reason,
    pendingFailure: version.pendingFailure,
    lastOutput:
      mine !== undefined && version.pendingFailure === undefined
        ? (mine.process?.lastOutput() ?? [])
        : version.lastOutput,
    instances: mine?.process?.status() ?? [],
    ...(state === 'failed' && version.lastCrash !== undefined ? { lastCrash: version.lastCrash } : {}),
    ...(state === 'failed' && version.retryAt !== undefined ? { retryAt: version.retryAt } : {}),
    bundle: version.order.source.path,
    fingerprint: prepared?.fingerprint,
    deployedAt: mine?.since,
    ...(beside === undefined ? {} : { live: beside }),
  };
}

/** Status of a bundle that lies there and cannot be taken. */
export function statusOfWaiting(
  { candidate, reason }: Waiting,
  defaultHost: string | undefined,
): ApplicationStatus {
  return {
    name: candidate.name,
    ...mountOf(candidate.context, defaultHost),
    version: candidate.context.version,
    state: 'failed',
    kind: undefined,
    reason,
    pendingFailure: undefined,
    lastOutput: [],
    instances: [],
    bundle: candidate.sources[0]?.path ?? candidate.descriptor?.path ?? '',
    fingerprint: undefined,
    deployedAt: undefined,
  };
}

/** Host and path for people; `defaultHost` is the name of that host, if it has one. */
function mountOf(
  { host, contextPath }: ContextName,
  defaultHost: string | undefined,
): Pick<ApplicationStatus, 'host' | 'path'> {
  const path = contextPath === '' ? '/' : contextPath;
  const name = host === undefined || host === '' ? defaultHost : host;
  return name === undefined ? { path } : { host: name, path };
}

/** What a Node server turns out to be is known only when it runs. */
function kindOf(entry: string | undefined, isRunning: boolean): string | undefined {
  if (entry === 'modules') return 'framework';
  if (entry === 'main') return isRunning ? 'server' : undefined;
  return entry;
}
