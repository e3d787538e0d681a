import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

let host: TestHost;
let server: Server;
let sockets: WebSocketServer;

/** The operator's file for a server that runs elsewhere. */
function descriptor(more = ''): string {
  const { port } = server.address() as AddressInfo;
  return `portico: { application: { upstream: http://127.0.0.1:${port} }${more} }\n`;
}

beforeAll(async () => {
  server = createServer((incoming, response) => {
    if (incoming.url === '/moved')
      response.writeHead(302, { location: '/there', 'set-cookie': 'a=b; Path=/' });
    if (incoming.url === '/legacy/never') return;
    response.end(`${incoming.method} ${incoming.url} behind ${incoming.headers['x-forwarded-prefix']}`);
  });
  sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) =>
    socket.on('message', (message) => socket.send(`echo ${String(message)}`)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  host = await TestHost.start({ apps: { 'legacy.yaml': { '': descriptor() } } });
});

afterAll(async () => {
  await host.stop();
  sockets.close();
  server.close();
  server.closeAllConnections();
});

describe('a descriptor that names a URL', () => {
  it('is an application at the path of its name', async () => {
    const status = await host.untilApplication('legacy', ({ state }) => state === 'running');
    expect(status.kind).toBe('upstream');
    expect(await host.text('/legacy/a/b?c=d')).toBe('GET /a/b?c=d behind /legacy');
    const moved = await host.get('/legacy/moved');
    expect(moved.headers.get('location')).toBe('/legacy/there');
    expect(moved.headers.get('set-cookie')).toContain('Path=/legacy');
  });

  it('obeys what the operator says about it', async () => {
    host.dropFile(
      'legacy.yaml',
      descriptor(', servlet: { prefix: keep, limits: { body: 10B }, response: { timeout: 300ms } }'),
    );
    await until(
      'it is deployed again',
      async () => (await host.text('/legacy/x')) === 'GET /legacy/x behind undefined',
    );
    const long = await host.get('/legacy/x', { method: 'POST', body: 'x'.repeat(11) });
    expect(long.status).toBe(413);
    expect((await host.get('/legacy/never')).status).toBe(504);
  });

  it('is undeployed when it is deleted, with its WebSockets told to go', async () => {
    const socket = new WebSocket(host.url('/legacy/').replace('http', 'ws'));
    await once(socket, 'open');
    socket.send('hi');
    expect(String((await once(socket, 'message'))[0])).toBe('echo hi');
    const closed = once(socket, 'close');
    host.remove('legacy.yaml');
    expect((await closed)[0]).toBe(1001);
    await until('it is gone', async () => (await host.application('legacy')) === undefined);
    expect((await host.get('/legacy/')).status).toBe(404);
  });
});
