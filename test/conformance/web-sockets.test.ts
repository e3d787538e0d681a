import { ConsoleLog } from 'portico';
import { CIO, type EmbeddedEngine, embeddedServer, Node } from 'portico/embedded';
import { webSocketsSuite } from './web-sockets-suite.js';

function onSockets(engine: EmbeddedEngine): void {
  webSocketsSuite(engine.name, async (module) => {
    const settings = { host: '127.0.0.1', port: 0, log: new ConsoleLog('silent') };
    const server = embeddedServer(engine, settings, module);
    await server.start();
    const port = (await server.resolvedConnectors())[0]?.port ?? 0;
    return {
      url: `http://127.0.0.1:${port}`,
      get running() {
        return (server as unknown as { readonly running: number }).running;
      },
      stop: (graceMs) => server.stop(graceMs),
    };
  });
}

onSockets(CIO);
onSockets(Node);
