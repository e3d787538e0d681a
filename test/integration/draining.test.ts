import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DrainReport } from '#host/front/drains/drain-report.js';
import type { HostEvent } from '#host/log/event-log.js';
import { TestHost } from '#test/support/host.js';
import { Frame, FrameClient, request } from '#test/support/http2/frame-client.js';
import { until } from '#test/support/polling.js';
import { RawClient } from '#test/support/raw-client.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';
import { versioned } from '#test/support/versioned-application.js';
import { NetworkWebSocket } from '#test/support/web-socket-client.js';

/** Express with `ws`, which knows nothing of the host. */
const express = (text: string): Record<string, string> => ({
  'package.json': '{ "main": "server.cjs" }',
  'server.cjs': `const { createServer } = require('node:http');
const { WebSocketServer } = require('ws');
const app = require('express')();
app.get('/', (request, response) => response.send('${text}'));
app.get('/events', (request, response) => {
  response.set('content-type', 'text/event-stream');
  response.write('data: ${text}\\n\\n');
  response.on('close', () => console.log('the stream is closed'));
});
// Answers when there is a file of this name.
app.get('/wait/:name', (request, response) => {
  const timer = setInterval(() => {
    if (!require('node:fs').existsSync(process.env.FOLDER + '/' + request.params.name)) return;
    clearInterval(timer);
    response.send('late');
  }, 10);
  response.on('close', () => clearInterval(timer));
});
const server = createServer(app);
new WebSocketServer({ server }).on('connection', (socket) => socket.send('${text}'));
server.listen(process.env.PORT);
`,
});

/** The same as a command, which the front reaches by HTTP. */
const program = (text: string): Record<string, string> => {
  const command = JSON.stringify([process.execPath, 'server.cjs']);
  return { ...express(text), 'application.yaml': `portico: { application: { command: ${command} } }\n` };
};

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

describe('how it is told what became of what was open', () => {
  let host: TestHost;
  let folder: TemporaryFolder;

  beforeAll(async () => {
    folder = new TemporaryFolder();
    host = await TestHost.start({
      apps: { plain: express('one'), live: framework('one') },
      config: `shutdownTimeout: 2s
applications:
  probation: { window: 0s }
  drain: { timeout: 2s }
  env: { FOLDER: "${folder.at('.')}" }
  stop: { timeout: 500ms }
connectors:
  - { name: http, http2: { enabled: true } }
`,
    });
  });
  afterAll(async () => {
    await host.stop();
    folder.remove();
  });

  async function drains(application: string): Promise<HostEvent[]> {
    const response = await host.admin(`/v1/events?application=${application}`);
    const { events } = (await response.json()) as { events: HostEvent[] };
    return events.filter(({ event }) => event === 'drained');
  }

  /** Of the last deployment but one, when it has ended. */
  async function recorded(application: string): Promise<DrainReport> {
    return await until(`the end of ${application}`, async () => {
      const response = await host.admin(`/v1/applications/${application}/deployments`);
      const { deployments } = (await response.json()) as { deployments: { drained?: DrainReport }[] };
      return deployments[1]?.drained;
    });
  }

  /** Resolves when so many requests of an application are open. */
  async function opened(application: string, count: number): Promise<void> {
    await until(`${count} requests of ${application}`, async () => {
      const response = await host.admin(`/v1/applications/${application}/requests`);
      const { total } = (await response.json()) as { total: number };
      return total === count || undefined;
    });
  }

  it('ends event streams with a hint when to come back, and says that they are finished', async () => {
    const stream = await host.get('/live/events', { headers: { accept: 'text/event-stream' } });
    const http2 = await FrameClient.open(host.port);
    http2.headers(1, request('/live/events', ['accept', 'text/event-stream']));
    await http2.find(({ type, stream }) => type === Frame.DATA && stream === 1);
    host.drop('live', framework('two'));
    expect(await stream.text()).toBe('data: one\n\nretry: 1000\n\n');
    expect(await http2.ended(1)).toBe(true);
    expect(http2.dataOf(1).toString()).toBe('data: one\n\nretry: 1000\n\n');
    // The connection is the host's: nobody is sent away because an application is replaced.
    http2.headers(3, request('/live/'));
    expect(await http2.outcome(3)).toBe('200');
    expect(http2.frames.filter(({ type }) => type === Frame.GOAWAY)).toEqual([]);
    http2.close();
    expect(await recorded('live')).toEqual({
      finished: { request: 0, stream: 2, tunnel: 0 },
      left: { request: 0, stream: 0, tunnel: 0 },
      cut: { request: 0, stream: 0, tunnel: 0 },
      cuts: [],
    });
    const [event] = await until('the event', async () => {
      const found = await drains('live');
      return found.length > 0 ? found : undefined;
    });
    expect(event).toMatchObject({
      level: 'info',
      message: expect.stringContaining('2 event streams finished'),
    });
  });

  it.each([
    ['Express', 'waiter', express],
    ['a program of its own', 'helper', program],
  ])('ends event streams of %s in the same way', async (_what, name, content) => {
    host.drop(name, content('one'));
    await host.untilApplication(name, ({ state }) => state === 'running');
    const stream = await host.get(`/${name}/events`, { headers: { accept: 'text/event-stream' } });
    host.drop(name, content('two'));
    expect(await stream.text()).toBe('data: one\n\nretry: 1000\n\n');
    expect((await recorded(name)).finished).toEqual({ request: 0, stream: 1, tunnel: 0 });
    // A program ends at once with SIGTERM.
    if (name === 'waiter') await host.logFile(`${name}/output.log`, /the stream is closed/);
    expect(await host.text(`/${name}/`)).toBe('two');
  });

  it('finishes what is in flight within the limit, cuts what is not, and tells the two apart', async () => {
    const quick = host.text('/plain/wait/quick');
    const endless = host.text('/plain/wait/never').catch(() => 'cut');
    const leaving = new AbortController();
    const left = host.get('/plain/wait/never', { signal: leaving.signal }).catch(() => 'left');
    const polite = await NetworkWebSocket.open(host.url('/plain/'));
    const silent = await RawClient.open(host.port);
    silent.send(
      'GET /plain/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await opened('plain', 5);
    host.drop('plain', express('two'));
    expect(await polite.closed).toBe(1012);
    leaving.abort();
    folder.write('quick', {});
    expect(await quick).toBe('late');
    // Its answer never came: the instance was ended.
    expect(await endless).toMatch('502');
    await silent.closing();
    expect(await left).toBe('left');
    const report = await recorded('plain');
    expect(report).toMatchObject({
      finished: { request: 1, stream: 0, tunnel: 1 },
      left: { request: 1, stream: 0, tunnel: 0 },
      cut: { request: 1, stream: 0, tunnel: 1 },
    });
    expect(report.cuts.map(({ kind, method, path }) => `${kind} ${method} ${path}`).sort()).toEqual([
      'request GET /plain/wait/never',
      'tunnel GET /plain/',
    ]);
    const [event] = await drains('plain');
    expect(event?.level).toBe('warn');
    expect(event?.message).toContain('1 request and 1 WebSocket cut (GET /plain/');
  });

  it('tells kept connections at the end of the host, and what it cut, by application and altogether', async () => {
    const kept = await RawClient.open(host.port);
    kept.send('GET /live/ HTTP/1.1\r\nHost: a\r\n\r\n');
    const before = await kept.response();
    expect(before?.headers.find(([name]) => name === 'connection')).toBeUndefined();
    const http2 = await FrameClient.open(host.port);
    http2.headers(1, request('/plain/wait/last'));
    const idle = await FrameClient.open(host.port);
    const endless = host.text('/plain/wait/never').catch(() => 'cut');
    kept.send('GET /plain/wait/last HTTP/1.1\r\nHost: a\r\n\r\n');
    const events = await host.get('/live/events', { headers: { accept: 'text/event-stream' } });
    await opened('plain', 3);
    const stopped = host.end();
    // Whoever has no request is sent away at once.
    await idle.whenClosed();
    folder.write('last', {});
    const last = await kept.response();
    expect([last?.status, last?.headers.find(([name]) => name === 'connection')?.[1]]).toEqual([
      200,
      'close',
    ]);
    await kept.closing();
    for (const client of [http2, idle]) {
      const goAway = await client.find(({ type }) => type === Frame.GOAWAY);
      // NO_ERROR, and the last stream that is answered (RFC 9113 §6.8).
      expect([goAway?.payload.readUInt32BE(0), goAway?.payload.readUInt32BE(4)]).toEqual([
        client === http2 ? 1 : 0,
        0,
      ]);
      await client.whenClosed();
    }
    expect(await http2.outcome(1)).toBe('200');
    expect(await events.text()).toContain('retry: 1000');
    expect(await endless).toBe('cut');
    expect(await stopped).toBe(1);
    const lines = host.log
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map(
        (line) => JSON.parse(line) as { event?: string; application?: string; msg: string; level: string },
      );
    const told = lines.slice(lines.findIndex(({ msg }) => msg.startsWith('stopping')));
    const drained = told.filter(({ event }) => event === 'drained');
    expect(drained.map(({ application, level }) => `${application} ${level}`).sort()).toEqual([
      'live info',
      'plain warn',
    ]);
    expect(told.at(-1)).toMatchObject({ event: 'stopped', level: 'warn' });
    expect(told.at(-1)?.msg).toMatch(
      /^stopped; 2 requests and 1 event stream finished, 1 request cut \(GET \/plain\/wait\/never after \d+\.\d s\)$/,
    );
  });
});
