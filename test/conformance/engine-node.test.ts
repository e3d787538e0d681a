import { ConsoleLog } from 'portico';
import { embeddedServer, Node } from 'portico/embedded';
import { sendHttp } from '#test/support/http-engine-client.js';
import { engineSuite } from './engine-suite.js';

const log = new ConsoleLog('silent');

engineSuite(
  'Node',
  async (module) => {
    const engine = embeddedServer(Node, { host: '127.0.0.1', port: 0, log }, module);
    await engine.start();
    const port = (await engine.resolvedConnectors())[0]?.port ?? 0;
    return {
      engine,
      request: (method, target, options) => sendHttp(port, method, target, options),
    };
  },
  { rootPath: '', refusesAfterStop: false },
);
