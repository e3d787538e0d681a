import { ConsoleLog } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import { webSocketsSuite } from './web-sockets-suite.js';

webSocketsSuite('CIO', async (module) => {
  const engine = embeddedServer(CIO, { host: '127.0.0.1', port: 0, log: new ConsoleLog('silent') }, module);
  await engine.start();
  const port = (await engine.resolvedConnectors())[0]?.port ?? 0;
  return {
    url: `http://127.0.0.1:${port}`,
    get running() {
      return (engine as unknown as { readonly running: number }).running;
    },
    stop: (graceMs) => engine.stop(graceMs),
  };
});
