import { CIO, type EmbeddedEngine, Node } from 'portico/embedded';
import { startEmbedded } from '#test/support/embedded-engine.js';
import { webSocketsSuite } from './web-sockets-suite.js';

function onSockets(engine: EmbeddedEngine): void {
  webSocketsSuite(engine.name, async (module) => {
    const { engine: server, port } = await startEmbedded(engine, module);
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
