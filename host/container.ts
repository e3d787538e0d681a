/** Public entry `portico/container`: the host, for programs that embed it. */
export type { HostConfig } from './config/host-config.js';
export { type HostConfigSource, readHostConfig } from './config/read-host-config.js';
export type { ApplicationStatus, ContextState, Deployments } from './deployer/application-status.js';
export { PorticoError } from './errors.js';
export { createServerLog, type ServerLog, type ServerLogOptions, silentLog } from './log/server-log.js';
export { PorticoServer, type ServerOptions } from './server/server.js';
