/** Public entry `portico`: the application framework. */
export { Application, type Module } from './application/application.js';
export {
  type AnyPathParameters,
  ApplicationCall,
  type ReceiveOptions,
} from './application/application-call.js';
export {
  type ApplicationConfig,
  type ConfigOrigins,
  ObjectConfig,
} from './application/application-config.js';
export {
  ApplicationModulesLoaded,
  ApplicationModulesLoading,
  ApplicationStarted,
  ApplicationStarting,
  ApplicationStopPreparing,
  ApplicationStopped,
  ApplicationStopping,
  ServerReady,
} from './application/application-events.js';
export type { ApplicationRequest } from './application/application-request.js';
export type { ApplicationResponse, ResponseHeaders } from './application/application-response.js';
export {
  ApplicationCallPipeline,
  ApplicationReceivePipeline,
  ApplicationSendPipeline,
} from './application/call-pipelines.js';
export type { ApplicationConfigValue, ConfigValueType } from './application/config-value.js';
export { ConnectionPoint } from './application/connection-point.js';
export {
  type ApplicationEnvironment,
  applicationEnvironment,
  type ConnectorAddress,
  type EnvironmentSettings,
} from './application/environment.js';
export { EventDefinition, type EventHandler, Events } from './application/events.js';
export type { FileOptions } from './application/file-content.js';
export {
  BadRequestError,
  CallAbortedError,
  HttpError,
  MissingRequestParameterError,
  MultipartLimitError,
  NotFoundError,
  PayloadTooLargeError,
  RequestAlreadyConsumedError,
  RequestValidationError,
  UnsupportedMediaTypeError,
} from './application/http-errors.js';
export { ConsoleLog, type Log, type LogLevel } from './application/log.js';
export { type LogContext, logContext } from './application/log-context.js';
export { MapApplicationConfig } from './application/map-application-config.js';
export { FilePart } from './application/multipart/file-part.js';
export { Multipart } from './application/multipart/multipart.js';
export type { FieldPart, MultipartOptions, Part } from './application/multipart/part.js';
export {
  type AnyContent,
  BytesContent,
  type Chunk,
  type ChunkSource,
  type ContentOptions,
  NoContent,
  OutgoingContent,
  StreamContent,
  type StreamOptions,
  TEXT_HTML,
  TEXT_PLAIN,
  TextContent,
  UpgradeContent,
  WriterContent,
} from './application/outgoing-content.js';
export type { Parameters } from './application/parameters.js';
export { type Closeable, installPlugin, type Plugin } from './application/plugin.js';
export { ReceiveType } from './application/receive-type.js';
export { RequestBody } from './application/request-body.js';
export type { RequestCookies } from './application/request-cookies.js';
export type { RequestHeaders } from './application/request-headers.js';
export type { ResponseCookies } from './application/response-cookies.js';
export type { ResponseWriter } from './application/response-writer.js';
export type { ScheduledRun } from './application/scheduled-run.js';
export { PorticoError } from './errors.js';
export type { ClientCertificate, TlsInfo } from './exchange/tls-info.js';
export type { CookieEncoding } from './http/cookie-encoding.js';
export { type AcceptedMediaType, MediaType } from './http/media-type.js';
export type { SetCookie } from './http/set-cookie.js';
export { UrlBuilder } from './http/url-builder.js';
export { AttributeKey, Attributes } from './pipeline/attributes.js';
export { InvalidPhaseError } from './pipeline/invalid-phase-error.js';
export { Pipeline } from './pipeline/pipeline.js';
export { type Interceptor, PipelineContext } from './pipeline/pipeline-context.js';
export { PipelinePhase } from './pipeline/pipeline-phase.js';
export {
  type ApplicationPlugin,
  createApplicationPlugin,
  createRouteScopedPlugin,
  type PluginDefinition,
  type RouteScopedPlugin,
} from './plugin/create-plugin.js';
export {
  BeforeFallback,
  BeforeResponseTransform,
  BeforeSetup,
  CallFailed,
  CallSetup,
  CallUnhandled,
  Metrics,
  MonitoringEvent,
  ReceiveRequestBytes,
  ResponseBodyReadyForSend,
  ResponseSent,
} from './plugin/hooks.js';
export { pluginOf } from './plugin/install-scoped.js';
export { type Hook, PluginBuilder } from './plugin/plugin-builder.js';
export type { HostPattern } from './routing/connection-selectors.js';
export { IgnoreTrailingSlash } from './routing/ignore-trailing-slash.js';
export type {
  GroupParameters,
  NestedParameters,
  PathParameters,
  WithOptionalParameter,
  WithParameter,
} from './routing/path-parameters.js';
export type { RoutePattern } from './routing/path-pattern.js';
export {
  allRoutes,
  type Configure,
  type Handler,
  type HostParameters,
  type ListAndConfigure,
  Route,
  type RoutingCall,
  type SelectorList,
} from './routing/route.js';
export {
  type Evaluation,
  type Match,
  type Mismatch,
  Quality,
  type ResolveSubject,
  type RouteSelector,
} from './routing/route-selector.js';
export type { RouteTrace, Tracer } from './routing/route-trace.js';
export {
  type RootRoute,
  RoutingCallFinished,
  RoutingCallStarted,
  type RoutingRoot,
  routing,
} from './routing/routing-root.js';
export { select } from './routing/select.js';
