import type { DeploymentSpec } from '../deployment-process.js';

/** Variables of the host that every process needs to find programs, its language and its time zone. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE', 'TZ'] as const;

/** What of it belongs to one process. */
export interface ProcessPlaces {
  /** Its own temporary folder. */
  readonly temporary: string;
  /** Home of its user, where that is another than the host's. */
  readonly home?: string | undefined;
  readonly catalogFile?: string | undefined;
}

/**
 * The whole environment of an instance, without what comes from files. It is made anew, never copied: secrets in the host's own
 * environment and in the settings of other applications are not in it. What is set by the descriptors wins over `.env` of the
 * bundle, the operator's over the developer's, and `PORTICO_…` over all.
 */
export function instanceEnvironment(
  spec: DeploymentSpec,
  hostEnvironment: Readonly<Record<string, string | undefined>>,
  { temporary, home, catalogFile }: ProcessPlaces,
): Record<string, string> {
  const { manifest } = spec;
  return {
    ...systemEnvironment(hostEnvironment),
    ...(home === undefined ? {} : { HOME: home }),
    TMPDIR: temporary,
    NODE_ENV: 'production',
    ...manifest.dotEnv,
    ...manifest.settings.env,
    PORTICO_CONTEXT_PATH: spec.contextPath,
    PORTICO_APPLICATION: spec.application,
    PORTICO_VERSION: spec.version,
    ...(catalogFile !== undefined && manifest.seesCatalog ? { PORTICO_CATALOG: catalogFile } : {}),
  };
}

/** The variables of the host that say something about the system and nothing about the host. */
export function systemEnvironment(
  hostEnvironment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = hostEnvironment[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
