// Hono on @hono/node-server. Tasks are middlewares; those of sending and sent run behind `next()`.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { ROUTES, TEXT, userOf } from './content.mjs';
import { makeTasks, withFacts } from './tasks.mjs';

const lines = {
  text: (app) => app.get('/', (context) => context.text(TEXT)),
  json: (app) => app.get('/users/:id', (context) => context.json(userOf(context.req.param('id')))),
  plugins: (app) => {
    const { request, sending, sent } = makeTasks({
      header: (context, name) => context.req.header(name),
      method: (context) => context.req.method,
      set: (context, name, value) => context.header(name, value),
    });
    const [first, ...others] = request;
    app.use((context, next) => {
      const state = {};
      context.set('state', state);
      first(context, context, state);
      return next();
    });
    for (const task of others)
      app.use((context, next) => {
        task(context, context, context.get('state'));
        return next();
      });
    for (const task of [...sending, ...sent].reverse())
      app.use(async (context, next) => {
        await next();
        task(context, context, context.get('state'));
      });
    lines.text(app);
  },
  facts: (app) => {
    app.use((_context, next) => withFacts(next));
    lines.plugins(app);
  },
  routes: (app) => {
    for (let i = 0; i < ROUTES; i++) {
      app.get(`/items${i}/:id`, (context) => context.text(context.req.param('id')));
      app.delete(`/items${i}/:id`, (context) => context.body(null, 204));
      app.get(`/items${i}/:id/tabs`, (context) => context.text(`Hello ${context.req.param('id')}\n`));
    }
  },
  body: (app) =>
    app.post('/', async (context) =>
      context.body(await context.req.arrayBuffer(), 200, { 'Content-Type': 'application/octet-stream' }),
    ),
};

export function start(line) {
  const app = new Hono();
  lines[line](app);
  return new Promise((resolve) => {
    serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port));
  });
}
