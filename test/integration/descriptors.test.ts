import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeBase, TestHost } from '#test/support/host.js';
import { until, WAIT_MS } from '#test/support/polling.js';
import { descriptorsOf, frontOf, metricOf } from '#test/support/processes.js';

const app = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `import { closeSync, openSync } from 'node:fs';
export default (request, response) => {
  if (request.url === '/hang') return request.resume();
  if (request.url === '/fill') {
    const held = [];
    const fill = () => { try { for (;;) held.push(openSync('/dev/null')); } catch { /* none left */ } };
    fill();
    const filling = setInterval(fill, 1);
    setTimeout(() => { clearInterval(filling); held.forEach(closeSync); }, 2000);
  }
  response.end('served');
};`,
};
const config = `
connectors: [{ limits: { headerTimeout: 60s } }]
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
`;
const LIMIT = 256;

describe('a host with few file descriptors', () => {
  let host: TestHost;
  let front: number;
  let before: number;
  let sockets: Socket[] = [];

  beforeAll(async () => {
    const through = ['sh', '-c', `ulimit -n ${LIMIT} && exec "$@"`, 'sh'];
    host = await TestHost.startOn(makeBase({ apps: { app }, config }), {}, through);
    front = frontOf(host);
    await ask();
    before = descriptorsOf(front);
  });
  afterAll(async () => {
    release();
    await host.stop();
  });

  function release(): void {
    for (const socket of sockets) socket.destroy();
    sockets = [];
  }

  /** Opens so many connections that send these bytes; resolves when each is open or was dropped. */
  async function open(count: number, bytes: string): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect(host.port, '127.0.0.1');
        sockets.push(socket);
        await new Promise<void>((resolve) => {
          socket.on('connect', () => socket.write(bytes, () => resolve()));
          socket.on('error', () => socket.destroy());
          socket.on('close', () => resolve());
        });
      }),
    );
  }

  /** Status of a request on a connection of its own; 0 when there was no answer. */
  function ask(): Promise<number> {
    return new Promise((resolve) => {
      get(host.url('/app/'), { agent: false, timeout: WAIT_MS }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      }).on('error', () => resolve(0));
    });
  }

  const adminAnswers = async () => expect((await host.admin('/v1/applications')).status).toBe(200);

  it('closes idle connections for new ones', async () => {
    await open(300, '');
    await until('a client is served beside them', async () => (await ask()) === 200);
    // From now on every one: there are idle connections enough.
    for (let i = 0; i < 20; i++) expect(await ask()).toBe(200);
    await adminAnswers();
    expect(descriptorsOf(front)).toBeLessThan(LIMIT);
    release();
    await until('all is released', () => descriptorsOf(front) <= before + 2);
    expect(await ask()).toBe(200);
  });

  it('refuses new connections when none is idle, and serves again when there is room', async () => {
    const closed = () => metricOf(host, 'portico_refused_total', 'descriptor-limit');
    const counted = await closed();
    await open(300, 'GET /app/hang HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('a client is refused', async () => (await ask()) === 503);
    await adminAnswers();
    await until('refusals are counted', async () => (await closed()) > counted);
    expect(await metricOf(host, 'portico_connections_closed_total', 'descriptor-limit')).toBeGreaterThan(0);
    release();
    await until('there is room again', async () => (await ask()) === 200);
    await until('all is released', () => descriptorsOf(front) <= before + 2);
    expect(frontOf(host)).toBe(front);
    expect(host.log.match(/file descriptors are in use/g)).toHaveLength(1);
  });

  it('reaches an application again that had none left when its front was replaced', async () => {
    expect(await host.text('/app/fill')).toBe('served');
    // The connection it has still carries requests.
    expect(await ask()).toBe(200);
    process.kill(front, 'SIGKILL');
    const seen = new Set<number>();
    await until('it is reached again', async () => {
      const status = await ask();
      seen.add(status);
      return status === 200;
    });
    for (const status of seen) expect([0, 200, 503]).toContain(status);
    expect(seen).toContain(503);
    // By the same instance, or by another if that one could not be reached several times.
    expect(await host.text('/app/')).toBe('served');
  });
});

describe('an application that has used up its file descriptors', () => {
  it('is not ended by it', async () => {
    const through = ['sh', '-c', `ulimit -n ${LIMIT} && exec "$@"`, 'sh'];
    const host = await TestHost.startOn(makeBase({ apps: { app }, config }), {}, through);
    try {
      const pid = (await host.application('app'))?.instances[0]?.pid as number;
      expect(await host.text('/app/fill')).toBe('served');
      await until('it has none left', () => descriptorsOf(pid) >= LIMIT);
      await until('it has them back', () => descriptorsOf(pid) < LIMIT / 2);
      expect(await host.text('/app/')).toBe('served');
      expect((await host.application('app'))?.instances[0]?.pid).toBe(pid);
    } finally {
      await host.stop();
    }
  });
});
