// A framework application on its own, served by the CIO engine in this process.
import { routing } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';

function helloModule(application) {
  routing(application, (route) => {
    route.get('/', (call) => call.respondText('Hello World\n'));
  });
}

/** Looks like a server that listens, for `server.mjs`. */
export async function startEmbedded() {
  const server = embeddedServer(CIO, { port: 0, host: '127.0.0.1' }, helloModule);
  await server.start();
  const [connector] = await server.resolvedConnectors();
  return { listening: true, address: () => ({ port: connector.port }) };
}
