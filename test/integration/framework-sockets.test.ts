import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';
import { close } from '#test/support/web-socket/frame.js';
import { RawWebSocket } from '#test/support/web-socket/raw-web-socket.js';
import { NetworkWebSocket } from '#test/support/web-socket-client.js';

const ticker = (version: number): Record<string, string> => ({
  'application.yaml': 'portico: { application: { modules: [ticker.mjs#tickerModule] } }\n',
  'ticker.mjs': `import { routing } from 'portico';
import { SSE, sse } from 'portico/plugins/sse';
let open = 0;
export function tickerModule(application) {
  application.install(SSE, (config) => { config.heartbeatMs = 100; });
  routing(application, (r) => {
    r.get('/open', () => 'version ${version}: ' + open);
    sse(r, '/events', async (session) => {
      open++;
      await session.send({ data: 'version ${version}', id: '1' });
      await new Promise((resolve) => session.signal.addEventListener('abort', resolve));
      open--;
    });
  });
}
`,
});

/** Says goodbye in its own words, besides one room that leaves that to the plugin. */
const polite = (version: number): Record<string, string> => ({
  'application.yaml': 'portico: { application: { modules: [polite.mjs#politeModule] } }\n',
  'polite.mjs': `import { ApplicationStopPreparing, routing } from 'portico';
import { WebSockets, webSocket } from 'portico/plugins/web-sockets';
export function politeModule(application) {
  application.install(WebSockets);
  application.monitor.subscribe(ApplicationStopPreparing, async () => {
    for (const session of application.plugin(WebSockets).all) {
      if (session.call.request.path.endsWith('/silent')) continue;
      await session.send('version ${version} says goodbye');
      session.close(4001, 'come back in a second');
    }
  });
  routing(application, (r) => {
    webSocket(r, '/{room}', async (session) => {
      await session.send('version ${version}');
      for await (const _ of session.incoming);
    });
  });
}
`,
});

describe('WebSockets and events of framework applications, in the host', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({
      apps: { chat: join(repositoryFolder, 'apps/chat'), ticker: ticker(1), polite: polite(1) },
    });
  });
  afterAll(async () => {
    await host.stop();
  });

  it('closes sockets of a swapped application with 1012, and the new version takes new ones', async () => {
    const old = await NetworkWebSocket.open(host.url('/chat/room'));
    expect(await old.receive()).toBe('somebody joined, 1 here');
    host.drop('chat', { 'note.txt': 'changed' });
    expect(await old.closed).toBe(1012);
    const fresh = await NetworkWebSocket.open(host.url('/chat/room'));
    expect(await fresh.receive()).toBe('somebody joined, 1 here');
    fresh.socket.close();
    await fresh.closed;
  });

  it('lets the old version say goodbye in its own words', async () => {
    const sockets = await Promise.all(
      ['a', 'b', 'silent'].map((room) => RawWebSocket.open(host.port, `/polite/${room}`)),
    );
    for (const socket of sockets) expect(await socket.next()).toBe('text version 1');
    host.drop('polite', polite(2));
    const heard = await Promise.all(
      sockets.map(async (socket) => {
        const said = await socket.next();
        if (said.startsWith('close')) socket.send(close(1012));
        else {
          expect(await socket.next()).toBe('close 4001 come back in a second');
          socket.send(close(4001));
        }
        expect(await socket.rest()).toEqual(['end']);
        return said;
      }),
    );
    expect(heard).toEqual([
      'text version 1 says goodbye',
      'text version 1 says goodbye',
      'close 1012 the application is restarting',
    ]);
    for (const socket of sockets) socket.destroy();
  });

  it('sends events through the front at once, and tells when the client leaves', async () => {
    const controller = new AbortController();
    const response = await fetch(host.url('/ticker/events'), { signal: controller.signal });
    expect(response.headers.get('cache-control')).toBe('no-store');
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe('data: version 1\nid: 1\n\n');
    expect(await host.text('/ticker/open')).toBe('version 1: 1');
    controller.abort();
    await reader?.read().catch(() => undefined);
    await until(async () => (await host.text('/ticker/open')).endsWith(': 0'));
  });

  it('closes sockets with 1001 when the host stops, or as the application wants', async () => {
    const socket = await NetworkWebSocket.open(host.url('/chat/room'));
    const polite = await NetworkWebSocket.open(host.url('/polite/a'));
    await Promise.all([socket.receive(), polite.receive()]);
    await host.end();
    expect([await socket.closed, await polite.closed]).toEqual([1001, 4001]);
    expect(await polite.receive()).toBe('version 2 says goodbye');
  });
});
