// One subject with one line: `node server.mjs cio|engine-node|node|fastify|hono|express|koa text|json|plugins|facts|routes|body`.
// Prints its port. On the message `allocated` it tells what the process has allocated; needs `--expose-gc`.
import { PerformanceObserver } from 'node:perf_hooks';

const modules = {
  cio: ['./portico.mjs', 'CIO'],
  'engine-node': ['./portico.mjs', 'Node'],
  node: ['./node.mjs'],
  fastify: ['./fastify.mjs'],
  hono: ['./hono.mjs'],
  express: ['./express.mjs'],
  koa: ['./koa.mjs'],
};

const [subject, line] = process.argv.slice(2);
if (!Object.hasOwn(modules, subject))
  throw new Error(`There is no subject "${subject}". Subjects are: ${Object.keys(modules).join(', ')}.`);
const [file, engine] = modules[subject];
const { start } = await import(file);
const port = await start(line, engine);

if (process.send !== undefined) {
  let collections = 0;
  new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  }).observe({ entryTypes: ['gc'] });
  process.on('message', (message) => {
    if (message === 'collect') globalThis.gc();
    // Collections are told to the observer, and buffers freed, a little later.
    setTimeout(() => {
      const { heapUsed, external } = process.memoryUsage();
      process.send({ heapUsed, external, collections });
    }, 200);
  });
}
console.log(port);
