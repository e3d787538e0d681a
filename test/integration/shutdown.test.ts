import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import WebSocket from 'ws';
import { makeBase, TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import { until, WAIT_MS } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const slow = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
const server = createServer(async (request, response) => {
  while (request.url === '/wait' && !existsSync(process.env.RELEASE)) await delay(10);
  response.end('done');
});
new WebSocketServer({ server });
server.listen(0);`,
};

describe('SIGTERM', () => {
  it('finishes what is in flight, closes WebSockets with 1001, exits with 0', async () => {
    const folder = new TemporaryFolder();
    const host = await TestHost.start({
      apps: { slow },
      config: `applications: { env: { RELEASE: "${folder.at('release')}" } }\n`,
    });
    const socket = new WebSocket(host.url('/slow/').replace('http', 'ws'));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
    const kept = connect(host.port, '127.0.0.1');
    let answer = '';
    kept.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    const ended = new Promise((resolve) => kept.once('close', resolve));
    kept.write('GET /slow/wait HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('the request is in flight', async () => (await inFlight(host)) > 0 || undefined);
    const stopped = host.stop('SIGTERM');
    await until('connections are refused', () => isRefused(host.port));
    folder.write('release', {});
    expect(await stopped).toBe(0);
    await ended;
    expect(answer).toContain('HTTP/1.1 200');
    expect(answer.toLowerCase()).toContain('connection: close');
    expect(answer).toContain('done');
    expect(await closed).toBe(1001);
    folder.remove();
  });

  it('ends at once with a second signal, although an application does not', async () => {
    const host = await TestHost.start({
      apps: { slow },
      config: 'shutdownTimeout: 10m\napplications: { env: { RELEASE: /never } }\n',
    });
    const hanging = host.get('/slow/wait').catch((error: unknown) => error);
    await until('the request is in flight', async () => (await inFlight(host)) > 0 || undefined);
    host.process.kill('SIGTERM');
    await until('the host is draining', () => host.log.includes('stopping') || undefined);
    // `stop` would kill it long before it ended by itself.
    expect(await host.stop('SIGTERM')).toBe(1);
    await hanging;
  });

  it('ends by the deadline of the host also when an application may take longer to stop, and says that it was cut', async () => {
    const host = await TestHost.start({
      apps: {
        stuck: {
          'package.json': '{ "main": "app.js" }',
          'app.js': `process.on('SIGTERM', () => undefined);
process.on('exit', () => { for (;;); });
require('http').createServer((request, response) => response.end(String(process.pid))).listen(0);`,
        },
      },
      config: 'shutdownTimeout: 1s\napplications: { stop: { timeout: 10m } }\n',
    });
    const pid = Number(await host.text('/stuck/'));
    // `stop` would kill it long before the application was cut.
    expect(await host.stop('SIGTERM')).toBe(1);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('ends a host that is still starting, and leaves nothing of it', async () => {
    const late = { 'package.json': '{ "main": "app.js" }', 'app.js': 'setTimeout(() => {}, 60_000);' };
    const base = makeBase({ apps: { late } });
    const args = ['dist/host/cli/main.js', 'start', '--base', base, '--port', '0', '--admin-port', '0'];
    const child = spawn(process.execPath, args, { cwd: repositoryFolder, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += String(text)));
    const folder = join(base, 'run');
    // The sockets of the applications are made before the fronts are started, which wait for the application.
    await until('it has begun', () => (existsSync(folder) && sockets(folder).length > 0) || undefined);
    child.kill('SIGTERM');
    const [code] = (await once(child, 'close', { signal: AbortSignal.timeout(WAIT_MS) })) as [number | null];
    expect([code, log.includes('"event":"stopped"')]).toEqual([0, true]);
    expect(sockets(folder)).toEqual([]);
    expect(existsSync(join(folder, 'server.json'))).toBe(false);
    rmSync(base, { recursive: true, force: true });
  });
});

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

function sockets(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('x-'));
}

async function inFlight(host: TestHost): Promise<number> {
  const metrics = await (await host.admin('/metrics')).text();
  const line = /^portico_requests_in_flight\{.*application="slow".*\} (\d+)/m.exec(metrics);
  return Number(line?.[1] ?? 0);
}
