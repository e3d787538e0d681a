import type { DeploymentSpec } from './deployment-process.js';

/** Variables of the host that every process needs to find programs, its language and its time zone. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LANGUAGE', 'LC_ALL', 'LC_CTYPE', 'TZ'] as const;

/**
 * The whole environment of an instance. It is made anew, never copied: secrets in the host's own environment and in
 * the settings of other applications are not in it. The operator's `env` wins, except over `PORTICO_…`.
 */
export function instanceEnvironment(
  spec: DeploymentSpec,
  hostEnvironment: Readonly<Record<string, string | undefined>>,
  catalogFile?: string,
): Record<string, string> {
  return {
    ...systemEnvironment(hostEnvironment),
    NODE_ENV: 'production',
    ...spec.manifest.settings.env,
    PORTICO_CONTEXT_PATH: spec.contextPath,
    PORTICO_APPLICATION: spec.application,
    PORTICO_VERSION: spec.version,
    ...(catalogFile !== undefined && spec.manifest.seesCatalog ? { PORTICO_CATALOG: catalogFile } : {}),
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
