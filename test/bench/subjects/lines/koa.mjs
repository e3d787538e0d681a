// Koa. It has no router: routes are found as in `node.mjs`. Tasks are middlewares; those of sending and sent run behind
// `next()`.
import { once } from 'node:events';
import Koa from 'koa';
import { ROUTES, TEXT, userOf } from './content.mjs';
import { makeTasks, withFacts } from './tasks.mjs';

const lines = {
  text: (app) =>
    app.use((context) => {
      context.body = TEXT;
    }),
  json: (app) =>
    app.use((context) => {
      if (context.path.startsWith('/users/'))
        context.body = userOf(decodeURIComponent(context.path.slice(7)));
    }),
  plugins: (app) => {
    const { request, sending, sent } = makeTasks({
      header: ({ headers }, name) => headers[name],
      method: ({ method }) => method,
      set: (context, name, value) => context.set(name, value),
    });
    for (const task of request)
      app.use((context, next) => {
        task(context, context, context.state);
        return next();
      });
    for (const task of [...sending, ...sent].reverse())
      app.use(async (context, next) => {
        await next();
        task(context, context, context.state);
      });
    lines.text(app);
  },
  facts: (app) => {
    app.use((_context, next) => withFacts(next));
    lines.plugins(app);
  },
  routes: (app) => {
    const routes = new Map();
    for (let i = 0; i < ROUTES; i++)
      routes.set(`items${i}`, (id, context) => {
        context.body = `Hello ${id}\n`;
      });
    app.use((context) => {
      const [, first, id, last] = context.path.split('/');
      if (last === 'tabs') routes.get(first)?.(decodeURIComponent(id), context);
    });
  },
  body: (app) =>
    app.use(async (context) => {
      const chunks = [];
      for await (const chunk of context.req) chunks.push(chunk);
      context.type = 'application/octet-stream';
      context.body = Buffer.concat(chunks);
    }),
};

export async function start(line) {
  const app = new Koa();
  lines[line](app);
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}
