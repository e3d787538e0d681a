// Bare `node:http`, written by hand as fast as it can be while still doing the same. The 20 tasks run in a loop; routes
// are looked up in a map by their first segment, which no framework could do more cheaply.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { ROUTES, TEXT, userOf } from './content.mjs';
import { makeTasks, withFacts } from './tasks.mjs';

const lines = {
  text: () => (_request, response) => answerText(response, TEXT),
  json: () => (request, response) => {
    const id = request.url.startsWith('/users/') ? decodeURIComponent(request.url.slice(7)) : undefined;
    if (id === undefined) return response.writeHead(404).end();
    const body = JSON.stringify(userOf(id));
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
  },
  plugins: () => {
    const { request, sending, sent } = makeTasks({
      header: ({ headers }, name) => headers[name],
      method: ({ method }) => method,
      set: (response, name, value) => response.setHeader(name, value),
    });
    return (message, response) => {
      const state = {};
      for (const task of request) task(message, response, state);
      for (const task of sending) task(message, response, state);
      response.on('finish', () => {
        for (const task of sent) task(message, response, state);
      });
      answerText(response, TEXT);
    };
  },
  facts: () => {
    const serve = lines.plugins();
    return (request, response) => withFacts(() => serve(request, response));
  },
  routes: () => {
    const routes = new Map();
    for (let i = 0; i < ROUTES; i++)
      routes.set(`items${i}`, (id, response) => answerText(response, `Hello ${id}\n`));
    return (request, response) => {
      const [, first, id, last] = request.url.split('/');
      const route = routes.get(first);
      if (route === undefined || last !== 'tabs') response.writeHead(404).end();
      else route(decodeURIComponent(id), response);
    };
  },
  body: () => (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length });
      response.end(body);
    });
  },
};

function answerText(response, text) {
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}

export async function start(line) {
  const server = createServer(lines[line]()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}
