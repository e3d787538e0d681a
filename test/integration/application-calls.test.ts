import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { until, WAIT_MS } from '#test/support/polling.js';

const MIB = 1024 ** 2;

/** Calls where it is told to, and tells what came. `who` is what makes it answer. */
const asking = `
export async function ask(url, init) {
  try {
    const answer = await fetch(url, init);
    return { status: answer.status, url: answer.url, problem: answer.headers.get('portico-problem'),
      cookies: answer.headers.getSetCookie(), text: await answer.text() };
  } catch (error) {
    return { error: typeof error.code === 'string' ? error.code : String(error.cause ?? error) };
  }
}
`;

const servlet = (text: string) => `portico:\n  servlet: ${text}\n`;

/** Framework. */
const web = {
  'package.json': '{ "type": "module" }',
  'ask.mjs': asking,
  'application.yaml': `portico:
  application: { modules: [web.mjs#web] }
  servlet: { calls: [shop, plain, sleeper, "foo#bar", missing, web] }
`,
  'web.mjs': `import { routing } from 'portico';
import { ask } from './ask.mjs';
let aborted = 0;
export const web = (application) => routing(application, (route) => {
  route.get('/ask', async (call) => call.respondText(JSON.stringify(await ask(call.request.queryParameters.get('url')))));
  route.get('/later', async (call) => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await call.respondText(JSON.stringify(await ask('http://shop.portico.internal/items')));
  });
  route.get('/impatient', async (call) =>
    call.respondText(JSON.stringify(await ask('http://shop.portico.internal/never', { signal: AbortSignal.timeout(300) }))));
  route.get('/environment', (call) => call.respondText(JSON.stringify(process.env)));
  route.post('/echo', async (call) => {
    const answer = await fetch('http://shop.portico.internal/echo', { method: 'POST', duplex: 'half',
      body: new Blob([new Uint8Array(${20 * MIB}).fill(97)]).stream() });
    let length = 0;
    for await (const chunk of answer.body) length += chunk.length;
    await call.respondText(String(length));
  });
  route.get('/request', (call) => call.respondText(JSON.stringify({
    caller: call.request.headers.get('portico-caller'), token: call.request.headers.get('portico-token'), path: call.request.path })));
});`,
};

/** Express. */
const shop = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'ask.mjs': asking,
  'application.yaml': servlet('{ calls: [web, shop], limits: { body: 32MiB } }'),
  'app.js': `import express from 'express';
import { ask } from './ask.mjs';
const app = express();
let gone = 0;
app.get('/items', (request, response) => response.json({ url: request.url, headers: request.headers, ip: request.ip }));
app.get('/redirect', (request, response) => response.cookie('a', 'b', { path: '/' }).redirect('/items?x=1'));
app.get('/cookie', (request, response) => response.cookie('a', 'b', { path: '/' }).end());
app.get('/web', async (request, response) => response.json(await ask('http://web.portico.internal/request')));
app.get('/round', async (request, response) => response.send((await ask('http://shop.portico.internal/round')).text + '.'));
app.post('/round', async (request, response) =>
  response.send((await ask(new Request('http://SHOP.portico.internal:80/round', { method: 'POST', body: 'again' }))).text + '.'));
app.get('/never', (request, response) => response.on('close', () => { gone++; }));
app.get('/gone', (request, response) => response.send(String(gone)));
app.post('/echo', (request, response) => request.pipe(response));
export default app;`,
};

/** A function, by CommonJS and node:http. */
const plain = {
  'package.json': '{ "main": "index.js" }',
  'application.yaml': servlet('{ calls: web, prefix: keep }'),
  'index.js': `const http = require('node:http');
module.exports = (request, response) => {
  if (request.url.endsWith('/list')) {
    try { http.get('http://web.portico.internal/', { headers: ['a', 'b'] }); } catch (error) { response.end(error.code); }
    return;
  }
  if (!request.url.endsWith('/http')) return response.end(request.url + ' ' + request.headers['portico-caller']);
  http.get('http://web.portico.internal/request', (answer) => answer.pipe(response));
};`,
};

const teller = (extra = '') => ({
  'package.json': '{ "main": "index.js" }',
  'index.js': `module.exports = (request, response) => response.end(request.url + ' ' + request.headers['portico-caller']);`,
  'application.yaml': servlet(`{ ${extra} }`),
});

/** May call nobody. */
const alone = {
  'package.json': '{ "type": "module", "main": "index.js" }',
  'ask.mjs': asking,
  'index.js': `import { ask } from './ask.mjs';
export default async (request, response) => response.end(JSON.stringify(await ask('http://web.portico.internal/')));`,
};

/** A program without agent tells what it was given. */
const program = {
  'application.yaml': `portico:
  application: { command: [node, server.mjs] }
  servlet: { calls: [web] }
`,
  'server.mjs': `import { createServer } from 'node:http';
const { PORTICO_CALLS_SOCKET: socketPath, PORTICO_CALLS_TOKEN: token } = process.env;
createServer((request, response) => response.end(JSON.stringify({ socketPath, token }))).listen(Number(process.env.PORT), '127.0.0.1');`,
};

interface Told {
  readonly status?: number;
  readonly url?: string;
  readonly problem?: string | null;
  readonly cookies?: readonly string[];
  readonly text: string;
  readonly error?: string;
}

describe('applications that call each other', () => {
  let host: TestHost;
  const json = async (path: string): Promise<Told> => JSON.parse(await host.text(path)) as Told;
  const ask = (url: string): Promise<Told> => json(`/web/ask?url=${encodeURIComponent(url)}`);

  beforeAll(async () => {
    host = await TestHost.start({
      config: 'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\naccessLog: { format: json }\n',
      apps: {
        web,
        shop,
        plain,
        alone,
        program,
        sleeper: teller('start: { when: lazy }'),
        'foo#bar': teller(),
        secret: teller(),
      },
    });
  }, 60_000);
  afterAll(async () => {
    await host.stop();
  });

  it('reach an Express application from the framework, which sees who calls and its own paths', async () => {
    const told = await ask('http://shop.portico.internal/items?a=1');
    expect(told).toMatchObject({ status: 200, problem: null });
    const seen = JSON.parse(told.text) as { url: string; headers: Record<string, string>; ip: string };
    expect(seen).toMatchObject({
      url: '/items?a=1',
      ip: '127.0.0.1',
      headers: {
        host: 'shop.portico.internal',
        'portico-caller': 'web',
        'portico-hops': '1',
        'x-forwarded-prefix': '/shop',
        'x-forwarded-host': 'shop.portico.internal',
        'x-forwarded-proto': 'http',
      },
    });
    expect(seen.headers['portico-token']).toBeUndefined();
    // It redirects to a path of its own, which is one of the same host.
    expect(await ask('http://shop.portico.internal/redirect')).toMatchObject({
      status: 200,
      url: 'http://shop.portico.internal/items?x=1',
    });
    expect((await ask('http://shop.portico.internal/cookie')).cookies).toEqual(['a=b; Path=/']);
  });

  it('reach the framework from Express, and from node:http', async () => {
    const expected = { caller: 'shop', path: '/web/request' };
    const told = JSON.parse((await json('/shop/web')).text) as object;
    expect(told).toEqual(expected);
    expect(JSON.parse(await host.text('/plain/http'))).toEqual({ ...expected, caller: 'plain' });
    expect(await host.text('/plain/list')).toBe('PORTICO_CALL_UNSUPPORTED');
  });

  it('reach functions, nested contexts, and wake what sleeps', async () => {
    expect((await ask('http://plain.portico.internal/a')).text).toBe('/plain/a web');
    expect((await ask('http://foo--bar.portico.internal/a')).text).toBe('/a web');
    expect((await host.application('sleeper'))?.state).toBe('stopped');
    expect((await ask('http://sleeper.portico.internal/a')).text).toBe('/a web');
  });

  it('reach nobody who is not in their list', async () => {
    const refused = await ask('http://secret.portico.internal/');
    expect(refused).toMatchObject({ status: 403, problem: 'call-not-allowed' });
    expect(refused.text).toContain('web may not call secret.portico.internal');
    expect(await ask('http://missing.portico.internal/')).toMatchObject({
      status: 502,
      problem: 'call-unknown',
      text: expect.stringContaining('No application missing is deployed'),
    });
    expect((await ask('https://shop.portico.internal/')).error).toBe('PORTICO_CALL_SCHEME');
    expect((await json('/alone/')).error).toBe('PORTICO_CALL_NOT_ALLOWED');
    const events = async () =>
      (
        (await (await host.admin('/v1/events?application=web')).json()) as {
          events: { event: string; details: object }[];
        }
      ).events.find(({ event }) => event === 'call-refused');
    expect((await until('the event', events)).details).toMatchObject({
      reason: 'call-not-allowed',
      host: 'secret.portico.internal',
    });
    const metrics = await (await host.admin('/metrics')).text();
    expect(metrics).toContain('portico_calls_refused_total{caller="web",reason="call-not-allowed"} 1');
    expect(metrics).toMatch(/portico_calls_total\{caller="web",application="shop"\} [1-9]/);
  });

  it('do not go round for ever, with a body or without', async () => {
    const rounds = await host.text('/shop/round');
    expect(rounds).toMatch(/508 Loop Detected: [^\n]*\n\.{11}$/);
    const posted = await (await host.get('/shop/round', { method: 'POST', body: 'x' })).text();
    expect(posted).toMatch(/508 Loop Detected: [^\n]*\n\.{11}$/);
  });

  it('stream large bodies both ways, and are given up with their caller', async () => {
    expect(await (await host.get('/web/echo', { method: 'POST' })).text()).toBe(String(20 * MIB));
    expect((await json('/web/impatient')).error).toContain('Timeout');
    await until('the called one has seen it', async () => (await host.text('/shop/gone')) === '1');
  });

  it('cannot be feigned from outside', async () => {
    const fields = await new Promise<string>((resolve, reject) => {
      const headers = {
        'Portico-Caller': 'web',
        PORTICO_CALLER: 'web',
        'Portico-Hops': '1',
        'Portico-Token': 'x',
      };
      request(host.url('/shop/items'), { headers }, async (answer) => {
        resolve(Buffer.concat(await answer.toArray()).toString());
      })
        .on('error', reject)
        .end();
    });
    expect(fields).toContain('"url":"/items"');
    expect(fields).not.toContain('portico');
    for (const name of ['shop.portico.internal', 'SHOP.Portico.Internal.:80', 'portico.internal'])
      expect(await statusOf({ port: host.port, headers: { host: name } })).toBe(421);
    expect(await statusOf({ port: host.port, headers: { host: 'shop.portico.internal.example' } })).toBe(404);
  });

  it('prove who they are to a socket that knows nobody else', async () => {
    const { socketPath, token } = JSON.parse(await host.text('/program/')) as Record<string, string>;
    const status = (headers: Record<string, string>) => statusOf({ socketPath: socketPath ?? '', headers });
    const right = { 'portico-token': token ?? '' };
    expect(await status({ host: 'web.portico.internal', ...right, path: '/request' })).toBe(200);
    expect(await status({ host: 'web.portico.internal' })).toBe(403);
    expect(await status({ host: 'web.portico.internal', 'portico-token': `${token}x` })).toBe(403);
    const [text, signature] = (token ?? '').split('.');
    const more = Buffer.from(
      Buffer.from(text ?? '', 'base64url')
        .toString()
        .replace('web', 'all'),
    );
    const forged = `${more.toString('base64url')}.${signature}`;
    expect(await status({ host: 'all.portico.internal', 'portico-token': forged })).toBe(403);
    expect(await status({ host: 'shop.portico.internal', ...right })).toBe(403);
    expect(await status({ host: '127.0.0.1', ...right })).toBe(421);
    // Where there is an agent, nothing of it is in what a program that is started inherits.
    expect(await host.text('/web/environment')).not.toContain('CALLS');
  });

  it('lose nothing when one of the two is deployed anew', async () => {
    let isDone = false;
    const outcomes: string[] = [];
    const load = async (): Promise<void> => {
      while (!isDone) {
        const answer = await host.get(
          `/web/ask?url=${encodeURIComponent('http://shop.portico.internal/items')}`,
        );
        const told = JSON.parse(await answer.text()) as Told;
        outcomes.push(`${answer.status} ${told.status ?? told.error}`);
      }
    };
    const clients = Array.from({ length: 8 }, load);
    for (const name of ['shop', 'web'])
      expect((await host.admin(`/v1/applications/${name}/reload`, 'POST')).status).toBe(200);
    const before = outcomes.length;
    await until('calls after it', () => outcomes.length > before + 50);
    isDone = true;
    await Promise.all(clients);
    expect([...new Set(outcomes)]).toEqual(['200 200']);
  });

  it('are in the access log with their caller', async () => {
    const log = await host.logFile('access.log', /"caller":"web"/);
    const line = log.split('\n').find((text) => text.includes('"target":"/shop/items?a=1"'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      caller: 'web',
      application: 'shop',
      host: 'shop.portico.internal',
    });
  });

  it('still get their answer when the host is stopped meanwhile', async () => {
    const pending = host.get('/web/later');
    await until('it is in flight', async () => {
      const open = (await (await host.admin('/v1/applications/web/requests?olderThan=0s')).json()) as {
        requests: unknown[];
      };
      return open.requests.length > 0;
    });
    const exited = host.end();
    const told = JSON.parse(await (await pending).text()) as Told;
    expect(told.status).toBe(200);
    expect(await exited).toBe(0);
  });
});

/** Status of a GET with exactly these fields; `path` among them is where it goes. */
function statusOf(options: {
  readonly port?: number;
  readonly socketPath?: string;
  readonly headers: Readonly<Record<string, string>>;
}): Promise<number> {
  const { path = '/', ...headers } = options.headers;
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', timeout: WAIT_MS, ...options, path, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}
