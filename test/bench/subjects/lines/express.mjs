// Express as it comes, but for `x-powered-by` and entity tags, which no other subject sends. Tasks are middlewares; those of
// sent hang on the event `finish`.
import { once } from 'node:events';
import express from 'express';
import { BODY_LIMIT, ROUTES, TEXT, userOf } from './content.mjs';
import { makeTasks, withFacts } from './tasks.mjs';

const lines = {
  text: (app) => app.get('/', (_request, response) => sendText(response, TEXT)),
  json: (app) => app.get('/users/:id', (request, response) => response.json(userOf(request.params.id))),
  plugins: (app) => {
    const { request, sending, sent } = makeTasks({
      header: ({ headers }, name) => headers[name],
      method: ({ method }) => method,
      set: (response, name, value) => response.setHeader(name, value),
    });
    for (const task of [...request, ...sending])
      app.use((message, response, next) => {
        response.locals.state ??= {};
        task(message, response, response.locals.state);
        next();
      });
    for (const task of sent)
      app.use((message, response, next) => {
        response.on('finish', () => task(message, response, response.locals.state));
        next();
      });
    lines.text(app);
  },
  facts: (app) => {
    app.use((_request, _response, next) => withFacts(next));
    lines.plugins(app);
  },
  routes: (app) => {
    for (let i = 0; i < ROUTES; i++) {
      app.get(`/items${i}/:id`, (request, response) => sendText(response, request.params.id));
      app.delete(`/items${i}/:id`, (_request, response) => response.sendStatus(204));
      app.get(`/items${i}/:id/tabs`, (request, response) =>
        sendText(response, `Hello ${request.params.id}\n`),
      );
    }
  },
  body: (app) => {
    app.use(express.raw({ type: 'application/octet-stream', limit: BODY_LIMIT }));
    app.post('/', (request, response) => response.type('application/octet-stream').send(request.body));
  },
};

function sendText(response, text) {
  response.type('text/plain').send(text);
}

export async function start(line) {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  lines[line](app);
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}
