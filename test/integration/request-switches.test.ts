import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { headerOf, RawClient, type RawResponse } from '#test/support/raw-client.js';

/** Every kind of application, each strict and with both switches on. */
const server = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': "export default (req, res) => res.end(req.method + ' ' + req.url);",
};
const express = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `import express from 'express';
const app = express();
app.get('/item/:name', (req, res) => res.end('item ' + req.params.name));
app.trace('/x', (req, res) => res.end('traced'));
app.use((error, req, res, next) => res.status(error.status ?? 500).end('express says ' + (error.status ?? 500)));
export default app;`,
};
const framework = {
  'application.yaml': 'portico: { application: { modules: ["app.mjs#app"] } }\n',
  'app.mjs': `import { routing } from 'portico';
export function app(application) {
  routing(application, (route) => {
    route.get('/{path...}', (call) => call.respondText('GET ' + call.request.path));
    route.method('TRACE', (trace) => trace.route('/x', (at) => at.handle((call) => call.respondText('traced'))));
  });
}`,
};
const site = { 'index.html': 'site' };
const PASS = 'portico: { servlet: { request: { malformedEscapes: pass, trace: pass } } }\n';

let host: TestHost;
let client: RawClient;

beforeAll(async () => {
  host = await TestHost.start({
    apps: {
      server,
      express,
      framework,
      site,
      strict: server,
      half: server,
      developer: { ...server, 'application.yaml': PASS },
      'server.yaml': { '': PASS },
      'express.yaml': { '': PASS },
      'framework.yaml': { '': PASS },
      'site.yaml': { '': PASS },
      'half.yaml': { '': 'portico: { servlet: { request: { trace: pass } } }\n' },
    },
    config: 'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\naccessLog: { format: json }\n',
  });
}, 90_000);
afterAll(() => host.stop());
afterEach(() => client.destroy());

async function ask(line: string, more = ''): Promise<RawResponse> {
  client = await RawClient.open(host.port);
  client.send(`${line} HTTP/1.1\r\nHost: a.example\r\n${more}\r\n`);
  const response = await client.response();
  if (response === undefined) throw new Error('no answer');
  return response;
}

const textOf = ({ status, body }: RawResponse) => (status === 200 ? body.toString() : String(status));

describe('the switches of an application', () => {
  it.each([
    ['GET /strict/%zz', '400'],
    ['TRACE /strict/x', '405'],
    ['GET /half/%zz', '400'],
    ['TRACE /half/x', 'TRACE /x'],
    ['GET /nowhere/%zz', '400'],
    ['TRACE /nowhere', '405'],
    ['GET /server/%zz?a=%', 'GET /%zz?a=%'],
    ['GET /server//%41/caf%E9/', 'GET /A/caf%E9/'],
    ['GET /server/100%', 'GET /100%'],
    ['GET /%73erver/%', 'GET /%'],
    ['GET /server%zz', '400'],
    ['GET /%zz/../server/x', 'GET /x'],
    ['GET /server/%zz/%2F', '400'],
    ['GET /server/%zz/../../..', '400'],
    ['GET /server/%C0%AF', '400'],
    ['GET /server/%zz/../../strict/%zz', '400'],
    ['TRACE /server/x', 'TRACE /x'],
    ['TRACE /server/%zz', 'TRACE /%zz'],
    ['GET /developer/%zz', 'GET /%zz'],
    ['GET /express/item/a%20b', 'item a b'],
    ['TRACE /express/x', 'traced'],
    ['GET /framework/caf%E9', 'GET /framework/caf%E9'],
    ['TRACE /framework/x', 'traced'],
    ['GET /site/%zz', '404'],
    ['GET /site/caf%E9', '404'],
    ['TRACE /site/', '405'],
  ])('%s gets %s', async (line, answer) => {
    expect(textOf(await ask(line))).toBe(answer);
  });

  it('lets the application say itself what is wrong', async () => {
    const response = await ask('GET /express/item/%zz');
    expect([response.status, response.body.toString()]).toEqual([400, 'express says 400']);
    client.destroy();
    // The connection of a request that was let pass goes on.
    await ask('GET /server/%zz');
    client.send('GET /server/next HTTP/1.1\r\nHost: a.example\r\n\r\n');
    expect((await client.response())?.body.toString()).toBe('GET /next');
  });

  it('answers 400 in a framework application whose routing cannot decode the path, not 500', async () => {
    expect((await ask('GET /framework/%zz')).status).toBe(400);
  });

  it('counts and logs a refusal as before the context is known, and what passes for its application', async () => {
    const refused = async (reason: string) => {
      const text = await (await host.admin('/metrics')).text();
      return Number(new RegExp(`portico_refused_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
    };
    const before = [await refused('bad-target'), await refused('method-not-allowed')];
    const response = await ask('GET /strict/%zz?refused');
    expect(headerOf(response, 'connection')).toBe('close');
    client.destroy();
    const traced = await ask('TRACE /strict/refused');
    expect(headerOf(traced, 'allow')).toMatch(/GET/);
    client.destroy();
    await ask('GET /server/%zz?passed');
    expect([await refused('bad-target'), await refused('method-not-allowed')]).toEqual(
      before.map((count = 0) => count + 1),
    );
    const log = await host.logFile('access.log', /passed/);
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find(({ target }) => String(target).endsWith('%zz?refused'))).toMatchObject({
      status: 400,
      refused: 'bad-target',
      context: '-',
    });
    expect(lines.find(({ target }) => target === '/strict/refused')).toMatchObject({
      method: 'TRACE',
      status: 405,
      refused: 'method-not-allowed',
    });
    expect(lines.find(({ target }) => String(target).endsWith('%zz?passed'))).toMatchObject({
      target: '/server/%zz?passed',
      status: 200,
      context: '/server',
      application: 'server',
    });
  });
});
