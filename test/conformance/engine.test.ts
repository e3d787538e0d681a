import { applicationEnvironment, ConsoleLog } from 'portico';
import { TestClient, testApplication } from 'portico/testing';
import { ServletApplicationEngine } from '#host/engine/servlet/servlet-application-engine.js';
import { engineSuite } from './engine-suite.js';

engineSuite(
  'Test',
  async (module) => {
    const engine = await testApplication(module);
    return {
      engine,
      request: (method, target, options) => engine.client.request(method, target, options),
    };
  },
  { rootPath: '', refusesAfterStop: true },
);

engineSuite(
  'Servlet',
  async (module) => {
    const environment = applicationEnvironment({ log: new ConsoleLog('silent') });
    const engine = new ServletApplicationEngine({ environment, contextPath: '/shop', modules: [module] });
    await engine.start();
    const client = new TestClient(engine.handle);
    return {
      engine,
      request: (method, target, options) => client.request(method, target, options),
    };
  },
  { rootPath: '/shop', refusesAfterStop: true },
);
