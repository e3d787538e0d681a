import { createHash } from 'node:crypto';
import { compareVersions } from '../../bundle/compare-versions.js';
import type { ApplicationSettings } from '../../config/host-config.js';
import { DEFAULT_VERSION_SETTINGS, type PreviewSettings } from '../../config/version-settings.js';
import type { PreviewTarget, RouteTarget, VersionRoute } from '../../front/messages.js';
import type { SingleTarget } from '../../front/target-deployments.js';
import { limitsOf, targetOf } from '../route/context-route.js';
import type { Running } from '../version.js';
import type { Beside, LiveVersions } from './live-versions.js';

/**
 * How a place answers: by what serves alone, with `active` as its target, or by several versions when others are live
 * beside it. `share`: percent of the new clients that the canary gets; `pinOf`: cookie value for the name of a version.
 */
export function targetOfLive(
  live: LiveVersions,
  active: SingleTarget,
  share: number,
  pinOf: (name: string) => string,
): RouteTarget {
  const serving = live.active;
  const beside = live.beside.flatMap((one) => {
    const target = targetOf(one.running);
    return target === undefined ? [] : [{ ...one, target }];
  });
  if (serving === undefined || beside.length === 0) return active;
  const hasCanary = beside.some(({ role }) => role === 'canary');
  const veteran = hasCanary ? serving : beside.filter(({ role }) => role === 'old').at(-1)?.running;
  const routeOf = (
    running: Running,
    target: SingleTarget,
    weight: number,
    shadow?: VersionRoute['shadow'],
  ) => ({
    version: running.version.order.context.version,
    pin: pinOf(running.version.name),
    weight,
    ...(running === veteran ? { isVeteran: true } : {}),
    ...(shadow === undefined ? {} : { shadow }),
    target,
    maxBodyBytes: settingsOf(running).maxBodyBytes,
    ...limitsOf(settingsOf(running)),
  });
  const versions = [
    routeOf(serving, active, hasCanary ? 100 - share : 100),
    ...beside.map(({ running, role, target }) =>
      routeOf(running, target, role === 'canary' ? share : 0, shadowOf(role, running)),
    ),
  ].sort((left, right) => compareVersions(right.version, left.version));
  const { sessionCookies, preview } = settingsOf(serving).versions ?? DEFAULT_VERSION_SETTINGS;
  return {
    kind: 'versions',
    versions,
    ...(sessionCookies.length === 0 ? {} : { sessionCookies }),
    ...(preview === undefined ? {} : { preview: previewOf(preview) }),
  };
}

function shadowOf(role: Beside['role'], running: Running): VersionRoute['shadow'] {
  return role === 'shadow' ? settingsOf(running).shadow : undefined;
}

/** The fronts need not know the secret, only whether somebody else does. */
function previewOf({ secret, addresses }: PreviewSettings): PreviewTarget {
  const secretHash =
    secret === undefined ? undefined : createHash('sha256').update(secret, 'latin1').digest('hex');
  return { addresses, secretHash };
}

function settingsOf(running: Running): ApplicationSettings {
  return running.prepared.manifest.settings;
}
