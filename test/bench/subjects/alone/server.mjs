// One subject by itself: `node server.mjs node|express|fastify|proxy|embedded|routes10|routes1000`; prints the port.
import { createServer } from 'node:http';

const subjects = {
  node: async () => createServer((await import('../handler/handler.js')).default),
  express: async () => createServer((await import('../express/app.js')).default),
  fastify: async () => {
    const { default: fastify } = await import('fastify');
    const app = fastify();
    app.get('/', (_request, reply) => {
      reply.type('text/plain; charset=utf-8').send('Hello World\n');
    });
    await app.ready();
    return app.server;
  },
  proxy: async () => {
    const { default: httpProxy } = await import('http-proxy');
    const { spawn } = await import('node:child_process');
    const { fileURLToPath } = await import('node:url');
    const { Agent } = await import('node:http');
    const { once } = await import('node:events');
    const backend = spawn(process.execPath, [fileURLToPath(import.meta.url), 'node'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    process.on('exit', () => backend.kill());
    process.on('SIGTERM', () => process.exit());
    const [port] = await once(backend.stdout, 'data');
    const agent = new Agent({ keepAlive: true, maxSockets: 128 });
    const proxy = httpProxy.createProxyServer({ target: `http://127.0.0.1:${Number(port)}`, agent });
    return createServer((request, response) =>
      proxy.web(request, response, {}, () => response.writeHead(502).end()),
    );
  },
  embedded: async () => {
    const { startEmbedded } = await import('./embedded.mjs');
    return startEmbedded();
  },
  routes10: async () => (await import('./embedded.mjs')).startEmbedded(10),
  routes1000: async () => (await import('./embedded.mjs')).startEmbedded(1000),
};

const [name] = process.argv.slice(2);
if (!Object.hasOwn(subjects, name))
  throw new Error(`There is no subject "${name}". Subjects are: ${Object.keys(subjects).join(', ')}.`);
const server = await subjects[name]();
if (server.listening) console.log(server.address().port);
else server.listen(0, '127.0.0.1', () => console.log(server.address().port));
