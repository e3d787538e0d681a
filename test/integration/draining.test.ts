import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { versioned } from '#test/support/versioned-application.js';
import { NetworkWebSocket } from '#test/support/web-socket-client.js';

/** Express with `ws`, which knows nothing of the host. */
const express = (text: string): Record<string, string> => ({
  'package.json': '{ "main": "server.cjs" }',
  'server.cjs': `const { createServer } = require('node:http');
const { WebSocketServer } = require('ws');
const app = require('express')();
app.get('/', (request, response) => response.send('${text}'));
app.get('/slow', (request, response) => setTimeout(() => response.send('late'), Number(request.query.ms)));
const server = createServer(app);
new WebSocketServer({ server }).on('connection', (socket) => socket.send('${text}'));
server.listen(process.env.PORT);
`,
});

/** Of the framework: it closes its WebSockets and event streams by itself. */
const framework = (text: string): Record<string, string> => ({
  'application.yaml': 'portico: { application: { modules: [live.mjs#live] } }\n',
  'live.mjs': `import { routing } from 'portico';
import { SSE, sse } from 'portico/plugins/sse';
import { WebSockets, webSocket } from 'portico/plugins/web-sockets';
export function live(application) {
  application.install(SSE);
  application.install(WebSockets);
  routing(application, (r) => {
    r.get('/', () => '${text}');
    sse(r, '/events', async (session) => {
      await session.send('${text}');
      await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
    });
    webSocket(r, '/', async (session) => {
      await session.send('${text}');
      for await (const _ of session.incoming);
    });
  });
}
`,
});

describe('what clients hear when an application leaves', () => {
  let host: TestHost;

  beforeAll(async () => {
    host = await TestHost.start({
      apps: {
        plain: express('one'),
        live: framework('one'),
        'shop##1': versioned('one', '{ versions: { pinnedIdle: 10m } }'),
      },
      config: 'applications: { probation: { window: 0s } }\n',
    });
  });
  afterAll(async () => {
    await host.stop();
  });

  /** Opens a WebSocket and resolves when the application has answered to it. */
  async function open(path: string): Promise<NetworkWebSocket> {
    const socket = await NetworkWebSocket.open(host.url(path));
    await socket.receive();
    return socket;
  }

  it('tells WebSockets to come back when new content takes over, and when it is started again', async () => {
    const before = await Promise.all([open('/plain/'), open('/live/')]);
    host.drop('plain', express('two'));
    host.drop('live', framework('two'));
    expect(await Promise.all(before.map(({ farewell }) => farewell))).toEqual([
      '1012 the application is restarting',
      '1012 the application is restarting',
    ]);
    // Who comes back at once finds the new one.
    const after = await Promise.all([NetworkWebSocket.open(host.url('/plain/')), open('/live/')]);
    expect(await after[0].receive()).toBe('two');
    const reloads = ['plain', 'live'].map((name) => host.admin(`/v1/applications/${name}/reload`, 'POST'));
    expect((await Promise.all(reloads)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await Promise.all(after.map(({ closed }) => closed))).toEqual([1012, 1012]);
    const rolledBack = await open('/plain/');
    expect((await host.admin('/v1/applications/plain/rollback', 'POST')).status).toBe(200);
    expect(await rolledBack.closed).toBe(1012);
  });

  it('tells WebSockets of an old version to come back, since a newer one answers', async () => {
    const old = await open('/shop/');
    host.drop('shop##2', versioned('two'));
    await host.untilApplication(
      'shop##2',
      ({ state, live }) => state === 'running' && live?.role === 'active',
    );
    // It stays live for the client it has, until somebody ends it.
    expect((await host.application('shop##1'))?.state).toBe('running');
    host.remove('shop##1');
    expect(await old.closed).toBe(1012);
  });

  it('tells WebSockets to go away when it is stopped or undeployed', async () => {
    const sockets = await Promise.all([open('/plain/'), open('/live/'), open('/shop/')]);
    host.remove('plain');
    host.remove('shop##2');
    const stopped = host.admin('/v1/applications/live/stop', 'POST');
    expect(await Promise.all(sockets.map(({ farewell }) => farewell))).toEqual([
      '1001 the application is stopping',
      '1001 the application is stopping',
      '1001 the application is stopping',
    ]);
    expect((await stopped).status).toBe(200);
  });
});
