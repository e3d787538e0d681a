/** Public entry `portico/testing`: run applications without a socket. */
export type { ReceivedEvent } from './engine/test/event-stream-parser.js';
export type { ExternalServices } from './engine/test/external-services.js';
export { runTestApplication } from './engine/test/run-test-application.js';
export { type TestSettings, testApplication } from './engine/test/test-application.js';
export { TestApplicationEngine, type TestEngineSettings } from './engine/test/test-application-engine.js';
export { TestApplication } from './engine/test/test-application-object.js';
export { TestBundle, type TestBundleOptions, testBundle } from './engine/test/test-bundle.js';
export { TestClient, type TestClientOptions, type TestNetwork } from './engine/test/test-client.js';
export { type TestCookie, TestCookieJar } from './engine/test/test-cookie-jar.js';
export type { TestEvents, TestEventsOptions } from './engine/test/test-events.js';
export { TestExchange, type TestRequest } from './engine/test/test-exchange.js';
export type { TestFetch } from './engine/test/test-fetch.js';
export type { TestRequestOptions } from './engine/test/test-request-options.js';
export { TestResponse } from './engine/test/test-response.js';
export { TestStatusError } from './engine/test/test-status-error.js';
export type { TestTarget } from './engine/test/test-target.js';
export type {
  TestClose,
  TestMessage,
  TestWebSocket,
  TestWebSocketOptions,
} from './engine/test/test-web-socket.js';
export {
  type TestApplicationCall,
  WithTestApplication,
  withTestApplication,
} from './engine/test/with-test-application.js';
export { PorticoError } from './errors.js';
