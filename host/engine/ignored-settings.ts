import type { ApplicationConfig } from '../application/application-config.js';

/**
 * Settings that other engines have a use for and none of ours has: sizes of thread groups, since an application is one
 * thread here, and what the connector decides itself.
 */
export const ENGINE_SETTINGS = [
  'deployment.parallelism',
  'deployment.callGroupSize',
  'deployment.connectionGroupSize',
  'deployment.workerGroupSize',
  'deployment.runningLimit',
  'deployment.shareWorkGroup',
  'deployment.tcpKeepAlive',
  'deployment.maxChunkSize',
] as const;

/** Settings that ours have a use for where they own their sockets, and none inside the container. */
export const CONNECTOR_SETTINGS = [
  'deployment.connectionIdleTimeoutSeconds',
  'deployment.requestReadTimeoutSeconds',
  'deployment.responseWriteTimeoutSeconds',
  'deployment.maxInitialLineLength',
  'deployment.maxHeaderSize',
  'deployment.limits',
  'deployment.responseTimeout',
  'deployment.enableHttp2',
  'deployment.enableH2c',
] as const;

/** Full names of those of `names` (relative to `portico`) that the configuration sets. */
export function settingsAmong(names: readonly string[], config: ApplicationConfig): readonly string[] {
  return names.map((name) => `portico.${name}`).filter((path) => config.propertyOrNull(path) !== undefined);
}
