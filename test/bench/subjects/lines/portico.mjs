// A framework application on one of its engines. The lines `plugins` and `facts` install the 20 of `plugins.mjs`, with a log
// that does not, and one that does, tell the facts of calls.
import { routing } from 'portico';
import { ROUTES, TEXT, userOf } from './content.mjs';
import { factsLog, installPlugins, log } from './plugins.mjs';

const modules = {
  text: (application) => {
    routing(application, (root) => root.get('/', (call) => call.respondText(TEXT)));
  },
  json: (application) => {
    routing(application, (root) => root.get('/users/{id}', (call) => userOf(call.parameters.id)));
  },
  plugins: (application) => {
    installPlugins(application);
    modules.text(application);
  },
  facts: (application) => modules.plugins(application),
  routes: (application) => {
    routing(application, (root) => {
      for (let i = 0; i < ROUTES; i++) {
        root.route(`/items${i}/{id}`, (item) => {
          item.get((call) => call.respondText(call.parameters.id));
          item.delete((call) => call.respondStatus(204));
          item.get('/tabs', (call) => call.respondText(`Hello ${call.parameters.id}\n`));
        });
      }
    });
  },
  body: (application) => {
    routing(application, (root) =>
      root.post('/', async (call) => call.respondBytes(await call.receiveBytes())),
    );
  },
};

export async function start(line, engine) {
  const { embeddedServer, ...engines } = await import('portico/embedded');
  const settings = { port: 0, host: '127.0.0.1', log: line === 'facts' ? factsLog : log };
  const server = embeddedServer(engines[engine], settings, modules[line]);
  await server.start();
  const [connector] = await server.resolvedConnectors();
  return connector.port;
}
