import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';
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

describe('WebSockets and events of framework applications, in the host', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({
      apps: { chat: join(repositoryFolder, 'apps/chat'), ticker: ticker(1) },
    });
  });
  afterAll(async () => {
    await host.stop();
  });

  it('closes sockets of a swapped application with 1001, and the new version takes new ones', async () => {
    const old = await NetworkWebSocket.open(host.url('/chat/room'));
    expect(await old.receive()).toBe('somebody joined, 1 here');
    host.drop('chat', { 'note.txt': 'changed' });
    expect(await old.closed).toBe(1001);
    const fresh = await NetworkWebSocket.open(host.url('/chat/room'));
    expect(await fresh.receive()).toBe('somebody joined, 1 here');
    fresh.socket.close();
    await fresh.closed;
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

  it('closes sockets with 1001 when the host stops', async () => {
    const socket = await NetworkWebSocket.open(host.url('/chat/room'));
    await socket.receive();
    await host.end();
    expect(await socket.closed).toBe(1001);
  });
});
