/** Public entry `portico/embedded`: engines that need no host. */
export type { ConnectorLimits } from './config/connector-limits.js';
export type { RequestSettings } from './config/request-settings.js';
export type { ApplicationEngine, EngineConnector } from './engine/application-engine.js';
export type { ConnectorSettings } from './engine/connector-settings.js';
export {
  CIO,
  type EmbeddedEngine,
  type EmbeddedSettings,
  embeddedServer,
  Node,
  type NodeEmbeddedSettings,
} from './engine/embedded-server.js';
export { DevelopmentEngine, EngineMain, type EngineMainOptions } from './engine/engine-main.js';
export { readConfiguration } from './engine/read-configuration.js';
export { type EmbeddedModules, modulesFrom } from './engine/reload/modules-from.js';
export { PorticoError } from './errors.js';
