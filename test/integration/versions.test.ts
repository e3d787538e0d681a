import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';
import { CookieClient, versioned } from '#test/support/versioned-application.js';
import { NetworkWebSocket } from '#test/support/web-socket-client.js';

const CONFIG = `connectors: [{ name: http, http2: { enabled: true } }]
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
accessLog: { format: json }
applications:
  probation: { window: 0s }
  versions:
    pinnedIdle: 3s
    sessionCookies: [sid]
    preview: { addresses: [127.0.0.0/8] }
`;

/** No request and no client keeps the first version; then it goes. */
const retired = (host: TestHost, name: string) =>
  host.untilApplication(name, ({ state, instances }) => state === 'stopped' && instances.length === 0);

describe('two versions side by side', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({
      config: CONFIG,
      apps: {
        'shop##1': versioned('1'),
        'blog##1': versioned('b1'),
        'news##9': versioned('n9'),
        'mirror##1': versioned('1'),
      },
    });
  }, 60_000);
  afterAll(async () => {
    await host.stop();
  });

  it('keep each client where it is, until nobody needs the old one', async () => {
    const alone = await new CookieClient(host).get('/shop/');
    expect([await alone.text(), alone.headers.getSetCookie()]).toEqual(['1', []]);
    const socket = await NetworkWebSocket.open(host.url('/shop/'));
    expect(await socket.receive()).toBe('1');

    host.drop('shop##2', versioned('2'));
    await host.untilApplication('shop##2', ({ state }) => state === 'running');

    const comer = new CookieClient(host);
    expect(await comer.text('/shop')).toBe('2');
    expect(comer.set.get('portico-version')).toMatch(
      /^portico-version=[\w-]{22}; Path=\/shop; HttpOnly; SameSite=Lax$/,
    );
    const known = new CookieClient(host, { sid: 'abc' });
    expect(await known.text('/shop')).toBe('1');
    expect(known.cookies.has('portico-version')).toBe(true);
    expect(await known.text('/shop/')).toBe('1');
    const preview = await new CookieClient(host).get('/shop/', { 'portico-version': '1' });
    expect([await preview.text(), preview.headers.getSetCookie()]).toEqual(['1', []]);

    socket.socket.send('still there');
    expect(await socket.receive()).toBe('1:still there');
    const other = new WebSocket(host.url('/shop/').replace('http', 'ws'), {
      headers: { cookie: comer.header },
    });
    expect(String(await new Promise((resolve) => other.once('message', resolve)))).toBe('2');
    other.close();

    const old = await host.untilApplication('shop##1', ({ live }) => live?.why === '1 WebSocket');
    expect(old).toMatchObject({ state: 'running', live: { role: 'old', share: 0, tunnels: 1 } });
    expect(await host.application('shop##2')).toMatchObject({ live: { role: 'active', share: 100 } });

    socket.socket.close();
    expect((await retired(host, 'shop##1')).reason).toBe('shop##2 serves /shop');
    const moved = await known.get('/shop/');
    expect([await moved.text(), moved.headers.getSetCookie()]).toEqual(['2', []]);
    expect(await host.logFile('access.log', /"applicationVersion":"2"/)).toMatch(
      /"context":"\/shop","application":"shop","applicationVersion":"1"/,
    );
  });

  it('know no cookie of another context, and none that was made up', async () => {
    const socket = await NetworkWebSocket.open(host.url('/blog/'));
    host.drop('blog##2', versioned('b2'));
    await host.untilApplication('blog##2', ({ state }) => state === 'running');
    const reader = new CookieClient(host, { sid: 'x' });
    expect(await reader.text('/blog/')).toBe('b1');
    host.drop('news##10', versioned('n10'));
    const paper = await NetworkWebSocket.open(host.url('/news/'));
    await host.untilApplication('news##10', ({ state }) => state === 'running');
    const pin = reader.cookies.get('portico-version') ?? '';
    for (const value of [pin, '9', 'news##9', ''])
      expect(await new CookieClient(host, { 'portico-version': value }).text('/news/')).toBe('n10');
    paper.socket.close();
    socket.socket.close();
  });

  it('keep event streams, and clients of HTTP/2, where they are', async () => {
    const [before] = (await host.applications()).filter(
      ({ path, live, state }) => path === '/blog' && state === 'running' && live?.role !== 'old',
    );
    const reader = request(host.url('/blog/events')).end();
    const [stream] = (await once(reader, 'response')) as [IncomingMessage];
    expect(String((await once(stream, 'data'))[0])).toBe(`data: b${before?.version}`);
    stream.on('error', () => undefined);
    host.drop('blog##3', versioned('b3'));
    await host.untilApplication('blog##3', ({ state }) => state === 'running');
    await host.untilApplication(before?.name ?? '', ({ live }) => live?.why === '1 request in flight');

    const session = connect(host.url('/'));
    const ask = async (headers: OutgoingHttpHeaders = {}) => {
      const asked = session.request({ ':path': '/blog/', ...headers });
      const [answer] = (await once(asked, 'response')) as [IncomingHttpHeaders];
      let text = '';
      for await (const chunk of asked) text += String(chunk);
      return { text, cookies: answer['set-cookie'] };
    };
    const first = await ask();
    expect(first).toEqual({ text: 'b3', cookies: [expect.stringMatching(/^portico-version=.*Path=\/blog/)] });
    const [pin = ''] = first.cookies?.[0]?.split(';') ?? [];
    // Each cookie may come in a field of its own (RFC 9113 §8.2.3).
    expect(await ask({ cookie: ['a=b', pin, 'c=d'] })).toEqual({ text: 'b3', cookies: undefined });
    session.close();

    // A stream that is closed in order may still be read for a while.
    reader.socket?.resetAndDestroy();
    await retired(host, before?.name ?? '');
  });

  it('give a shadow copies of safe requests, and no client', async () => {
    host.drop('mirror##2', versioned('2', '{ shadow: { of: 1 } }', true));
    await host.untilApplication('mirror##2', ({ live }) => live?.role === 'shadow');
    expect(await host.text('/mirror/page')).toBe('1');
    const failing = await host.get('/mirror/failing');
    expect([failing.status, await failing.text()]).toEqual([200, '1']);
    await host.get('/mirror/order', { method: 'POST' });
    const copied = await until('the copies have come', async () => {
      const answer = await new CookieClient(host).get('/mirror/copied', { 'portico-version': '2' });
      const list = (await answer.json()) as string[];
      return list.length >= 2 ? list : undefined;
    });
    expect(copied).toEqual(['GET /page', 'GET /failing']);
    const shadow = await host.untilApplication('mirror##2', ({ live }) => (live?.requests ?? 0) >= 3);
    expect(shadow.live).toMatchObject({ role: 'shadow', share: 0, errors: 1 });
    expect(shadow.live?.why).toBe('shadow of version 1: copies of 100 % of its safe requests');
    host.remove('mirror##1');
    await until('no version serves', async () => (await host.get('/mirror/')).status === 503 || undefined);
  });

  it('stay both while the newer is on probation, so that the older can serve again', async () => {
    const probation = '{ probation: { window: 10m, maxErrorRate: 10%, minRequests: 5 } }';
    host.drop('news##11', versioned('n11', probation, true));
    await host.untilApplication('news##11', ({ state }) => state === 'running');
    const before = await host.untilApplication(
      'news##10',
      ({ live }) => live?.why === 'what has replaced it is on probation',
    );
    await until('the older serves again', async () => (await host.text('/news/failing')) === 'n10');
    const after = await host.application('news##10');
    expect(after?.instances[0]?.pid).toBe(before.instances[0]?.pid);
    expect((await host.application('news##11'))?.state).toBe('failed');
    await until('it is written down', () =>
      /"news##11",[^\]]*"returned"/.test(readFileSync(join(host.base, 'work', 'versions.json'), 'utf8')),
    );
  });

  it('start with the newest alone after a restart, and nobody stays behind', async () => {
    const client = new CookieClient(host, { sid: 'x' });
    await client.get('/shop/');
    const { base } = host;
    await host.end('SIGKILL');
    host = await TestHost.startOn(base);
    client.host = host;
    expect(await client.text('/shop/')).toBe('2');
    expect(await host.application('shop##1')).toMatchObject({
      state: 'stopped',
      reason: 'shop##2 serves /shop',
    });
    // What failed on probation is not tried again.
    expect(await host.text('/news/failing')).toBe('n10');
    expect(await host.application('news##11')).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/^it failed on probation; start it by hand/),
    });
  });

  it('fall back to the one of before, warm, when the newer is stopped', async () => {
    const socket = await NetworkWebSocket.open(host.url('/shop/'));
    host.drop('shop##3', versioned('3'));
    await host.untilApplication('shop##3', ({ state }) => state === 'running');
    const { instances } = (await host.application('shop##2')) ?? {};
    expect((await host.admin('/v1/applications/shop%23%233/stop', 'POST')).status).toBe(200);
    expect(await new CookieClient(host).text('/shop/')).toBe('2');
    expect((await host.application('shop##2'))?.instances[0]?.pid).toBe(instances?.[0]?.pid);
    socket.socket.close();
  });
});

describe('a canary, with two fronts', () => {
  let host: TestHost;
  const canary = (more: string) => `{ canary: { maxErrorRate: 10%, minRequests: 5, ${more} } }`;
  beforeAll(async () => {
    host = await TestHost.start({
      config: `fronts: 2\n${CONFIG}`,
      apps: { 'shop##1': versioned('1'), 'blog##1': versioned('1'), 'news##1': versioned('1') },
    });
  }, 60_000);
  afterAll(async () => {
    await host.stop();
  });

  const events = async (name: string): Promise<string[]> => {
    const answer = await host.admin(`/v1/events?application=${encodeURIComponent(name)}`);
    return ((await answer.json()) as { events: { event: string }[] }).events.map(({ event }) => event);
  };

  it('goes by its steps to all new clients, and every client stays on its version', async () => {
    host.drop('shop##2', versioned('2', canary('steps: [40%, 60%], interval: 1s')));
    await host.untilApplication('shop##2', ({ live }) => live?.role === 'canary');
    const clients = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const client = new CookieClient(host);
        return { client, version: await client.text('/shop') };
      }),
    );
    expect(new Set(clients.map(({ version }) => version))).toEqual(new Set(['1', '2']));
    await until('the canary is promoted', async () => {
      for (const { client, version } of clients) {
        const now = await client.text('/shop/');
        // The old one is live as long as its clients come.
        if (now !== version) throw new Error(`a client of ${version} got ${now}`);
      }
      return (await host.application('shop##2'))?.live?.role === 'active';
    });
    expect(await events('shop##2')).toEqual(
      expect.arrayContaining(['canary-started', 'canary-step', 'canary-promoted']),
    );
    expect(await new CookieClient(host).text('/shop/')).toBe('2');
    expect((await host.admin('/v1/applications/shop%23%232/canary/promote', 'POST')).status).toBe(204);
    expect((await host.admin('/v1/applications/shop/canary')).status).toBe(404);
    await retired(host, 'shop##1');
    expect(await events('shop##1')).toContain('version-retired');
  });

  it('is aborted when it answers too badly, and stays so over a restart', async () => {
    host.drop('blog##2', versioned('2', canary('steps: [50%], interval: 10m'), true));
    await host.untilApplication('blog##2', ({ live }) => live?.role === 'canary');
    const answer = await until('the canary is aborted', async () => {
      await host.get('/blog/failing');
      const status = await host.application('blog##2');
      return status?.state === 'failed' ? status : undefined;
    });
    expect(answer.reason).toMatch(
      /^canary aborted: .* of its \d+ requests failed; canary.maxErrorRate is 10 %$/,
    );
    for (let number = 0; number < 5; number++) expect(await host.text('/blog/failing')).toBe('1');
    expect(await events('blog##2')).toContain('canary-aborted');

    const { base } = host;
    await host.end('SIGKILL');
    host = await TestHost.startOn(base);
    expect(await host.application('blog##2')).toMatchObject({ state: 'failed' });
    expect((await host.get('/blog/failing')).status).toBe(200);
    expect(await host.text('/shop/')).toBe('2');

    expect((await host.admin('/v1/applications/blog%23%232/start', 'POST')).status).toBe(200);
    await host.untilApplication('blog##2', ({ live }) => live?.role === 'canary');
    // One that has not ended begins anew, beside what it is to replace.
    await host.end('SIGKILL');
    host = await TestHost.startOn(base);
    await host.untilApplication('blog##2', ({ live }) => live?.role === 'canary');
    expect((await host.application('blog##1'))?.live).toMatchObject({ role: 'active', share: 50 });
  });

  it('is shown, promoted and aborted by an operator', async () => {
    host.drop('news##2', versioned('2', canary('steps: [1%], interval: 1h')));
    await host.untilApplication('news##2', ({ live }) => live?.role === 'canary');
    const shown = await host.admin('/v1/applications/news/canary');
    expect(await shown.json()).toMatchObject({
      canary: { name: 'news##2', replaces: 'news##1', path: '/news', step: 1, steps: [1], share: 1 },
    });
    expect(await host.portico('canary', '/news', 'status')).toMatch(
      /^news##2 is to replace news##1 at \/news\nstep 1 of 1 \(1%\): 1% of the new clients\nfor \d+ s of 1h\n/,
    );
    expect(await host.portico('canary', '/news', 'abort')).toMatch(/aborted/);
    expect(await host.text('/news/')).toBe('1');
    expect((await host.admin('/v1/applications/news%23%232/canary/abort', 'POST')).status).toBe(204);
    expect((await host.admin('/v1/applications/news%23%232/canary/promote', 'POST')).status).toBe(404);
    host.drop('news##3', versioned('3', canary('steps: [1%], interval: 1h')));
    await host.untilApplication('news##3', ({ live }) => live?.role === 'canary');
    expect(await host.portico('canary', 'news', 'promote')).toMatch(/serves all new clients/);
    expect(await host.text('/news/')).toBe('3');
    await expect(host.portico('canary', 'news', 'status')).rejects.toThrow('PORTICO_CANARY_NONE');
  });
});
