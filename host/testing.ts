/** Public entry `portico/testing`: run applications without a socket. */
export {
  TestApplicationEngine,
  type TestSettings,
  testApplication,
} from './engine/test/test-application.js';
export { TestClient, type TestRequestOptions } from './engine/test/test-client.js';
export { TestExchange, type TestRequest } from './engine/test/test-exchange.js';
export { TestResponse } from './engine/test/test-response.js';
export { PorticoError } from './errors.js';
