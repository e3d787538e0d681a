// Fastify without its log, and with a schema for the JSON answer: its fastest form. Tasks are hooks: onRequest, onSend
// and onResponse.
import fastify from 'fastify';
import { BODY_LIMIT, ROUTES, TEXT, userOf } from './content.mjs';
import { makeTasks, withFacts } from './tasks.mjs';

const USER = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    name: { type: 'string' },
    roles: { type: 'array', items: { type: 'string' } },
    isActive: { type: 'boolean' },
    visits: { type: 'integer' },
  },
};

const lines = {
  text: (app) => app.get('/', (_request, reply) => sendText(reply, TEXT)),
  json: (app) =>
    app.get('/users/:id', { schema: { response: { 200: USER } } }, (request, reply) => {
      reply.send(userOf(request.params.id));
    }),
  plugins: (app) => {
    const { request, sending, sent } = makeTasks({
      header: ({ headers }, name) => headers[name],
      method: ({ method }) => method,
      set: (reply, name, value) => reply.header(name, value),
    });
    app.decorateRequest('state', null);
    const [first, ...others] = request;
    app.addHook('onRequest', (message, reply, done) => {
      message.state = {};
      first(message, reply, message.state);
      done();
    });
    for (const task of others)
      app.addHook('onRequest', (message, reply, done) => {
        task(message, reply, message.state);
        done();
      });
    for (const task of sending)
      app.addHook('onSend', (message, reply, payload, done) => {
        task(message, reply, message.state);
        done(null, payload);
      });
    for (const task of sent)
      app.addHook('onResponse', (message, reply, done) => {
        task(message, reply, message.state);
        done();
      });
    lines.text(app);
  },
  facts: (app) => {
    app.addHook('onRequest', (_request, _reply, done) => withFacts(done));
    lines.plugins(app);
  },
  routes: (app) => {
    for (let i = 0; i < ROUTES; i++) {
      app.get(`/items${i}/:id`, (request, reply) => sendText(reply, request.params.id));
      app.delete(`/items${i}/:id`, (_request, reply) => {
        reply.code(204).send();
      });
      app.get(`/items${i}/:id/tabs`, (request, reply) => sendText(reply, `Hello ${request.params.id}\n`));
    }
  },
  body: (app) => {
    app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    app.post('/', (request, reply) => {
      reply.type('application/octet-stream').send(request.body);
    });
  },
};

function sendText(reply, text) {
  reply.type('text/plain; charset=utf-8').send(text);
}

export async function start(line) {
  const app = fastify({ bodyLimit: BODY_LIMIT });
  lines[line](app);
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app.server.address().port;
}
