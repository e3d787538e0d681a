// A framework application on its own, served by the CIO engine in this process.
import { routing } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';

function helloModule(application) {
  routing(application, (route) => {
    route.get('/', (call) => call.respondText('Hello World\n'));
  });
}

/** Siblings with a parameter, methods and a route below each; `/items3/7/tabs` is one of them. */
function routesModule(count) {
  return (application) => {
    routing(application, (root) => {
      for (let i = 0; i < count; i++) {
        root.route(`/items${i}/{id}`, (item) => {
          item.get((call) => call.respondText(call.parameters.id));
          item.delete((call) => call.respondStatus(204));
          item.get('/tabs', (call) => call.respondText(`Hello ${call.parameters.id}\n`));
        });
      }
    });
  };
}

/** Looks like a server that listens, for `server.mjs`. With `routes` an application of so many siblings. */
export async function startEmbedded(routes) {
  const module = routes === undefined ? helloModule : routesModule(routes);
  const server = embeddedServer(CIO, { port: 0, host: '127.0.0.1' }, module);
  await server.start();
  const [connector] = await server.resolvedConnectors();
  return { listening: true, address: () => ({ port: connector.port }) };
}
