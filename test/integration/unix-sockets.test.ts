import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ListeningSocket } from '#host/server/listening-socket.js';
import { TestHost } from '#test/support/host.js';
import { until, WAIT_MS } from '#test/support/polling.js';

let folder = '';
beforeEach(() => {
  // The system allows little more than 100 bytes for the path.
  folder = mkdtempSync(join(tmpdir(), 'portico-unix-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Answer {
  readonly status: number;
  readonly body: string;
}

function get(socketPath: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path, headers, agent: false, timeout: WAIT_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('a host on a Unix socket and a port', () => {
  const headers = {
    'package.json': '{ "main": "app.js" }',
    'app.js': `module.exports = (q, r) => r.end(JSON.stringify({
      address: q.socket.remoteAddress ?? null, headers: q.headers }));`,
  };
  let host: TestHost;
  let place = '';
  let path = '';
  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'portico-unix-'));
    path = join(place, 'http.sock');
    host = await TestHost.start({
      apps: { headers },
      config: `
connectors:
  - { name: local, socket: { path: ${path}, mode: 0600 }, limits: { maxTargetSize: 300B } }
  - { name: public, host: 127.0.0.1, limits: { maxTargetSize: 1KiB } }
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
`,
    });
  });
  afterAll(async () => {
    await host?.stop();
    rmSync(place, { recursive: true });
  });

  it('answers on both, and says where it listens', async () => {
    expect((await get(path, '/headers/')).status).toBe(200);
    const { server } = (await (await host.admin('/v1/server')).json()) as {
      server: { connectors: { port: number }[] };
    };
    const port = server.connectors[1]?.port ?? 0;
    expect(server.connectors).toEqual([
      { name: 'local', host: '', port: 0, socket: path },
      { name: 'public', host: '127.0.0.1', port },
    ]);
    expect(port).toBeGreaterThan(0);
    expect((await fetch(`http://127.0.0.1:${port}/headers/`)).status).toBe(200);
    expect(host.log).toContain(`listening on unix:${path}`);
    expect(JSON.parse(readFileSync(join(host.base, 'run/server.json'), 'utf8')).connectors[0].socket).toBe(
      path,
    );
  });

  it('gives each connector limits of its own', async () => {
    const port = (
      JSON.parse(readFileSync(join(host.base, 'run/server.json'), 'utf8')).connectors[1] as { port: number }
    ).port;
    const target = `/headers/?${'x'.repeat(500)}`;
    expect((await get(path, target)).status).toBe(414);
    expect((await fetch(`http://127.0.0.1:${port}${target}`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}${target}${'x'.repeat(1000)}`)).status).toBe(414);
  });

  it('lets only those connect who have the right', () => {
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('knows no address of the client, and believes none that it says', async () => {
    const { body } = await get(path, '/headers/', { 'X-Forwarded-For': '1.2.3.4', Host: 'a.example' });
    const seen = JSON.parse(body) as { headers: Record<string, string> };
    expect(seen.headers['x-forwarded-for']).toBeUndefined();
    expect(seen.headers['x-forwarded-host']).toBe('a.example');
    await host.logFile('access.log', /^unix: - - \[.*\] "GET \/headers\//m);
  });

  it('cuts a client that dies in the middle of a body, and goes on', async () => {
    const client = connect(path);
    client.write('POST /headers/ HTTP/1.0\r\nContent-Length: 10\r\n\r\nab');
    await once(client, 'connect');
    client.destroy();
    expect((await get(path, '/headers/')).status).toBe(200);
  });

  it('takes the file of a host that was killed, and removes its own at the end', async () => {
    const { base } = host;
    await host.end('SIGKILL');
    expect(existsSync(path)).toBe(true);
    // Its fronts hold the socket until they have noticed.
    await until('nobody listens', async () => ((await isListening(path)) ? undefined : true));
    host = await TestHost.startOn(base);
    expect((await get(path, '/headers/')).status).toBe(200);
    expect(await host.end()).toBe(0);
    expect(existsSync(path)).toBe(false);
  });
});

const isListening = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const client = connect(path);
    client.on('connect', () => {
      client.destroy();
      resolve(true);
    });
    client.on('error', () => resolve(false));
  });

describe('a Unix socket', () => {
  const open = (path: string, more: { mode?: number; owner?: string; group?: string } = {}) =>
    ListeningSocket.openUnix('local', { path, mode: 0o660, owner: undefined, group: undefined, ...more });

  it('has the mode that was asked for, whatever the umask is', async () => {
    const path = join(folder, 'a.sock');
    const socket = await open(path, {
      mode: 0o666,
      owner: String(process.getuid?.()),
      group: String(process.getgid?.()),
    });
    expect(statSync(path).mode & 0o777).toBe(0o666);
    socket.close();
    socket.close();
    expect(existsSync(path)).toBe(false);
  });

  it('is not taken from a program that listens', async () => {
    const path = join(folder, 'a.sock');
    const other = createServer().listen(path);
    await once(other, 'listening');
    await expect(open(path)).rejects.toMatchObject({
      code: 'PORTICO_SOCKET_IN_USE',
      message: expect.stringContaining(
        `Connector local cannot listen on ${path}: another program listens there`,
      ),
    });
    expect(await isListening(path)).toBe(true);
    other.close();
  });

  it('takes the place of a dead one only', async () => {
    const path = join(folder, 'a.sock');
    const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const child: ChildProcess = spawn(process.execPath, ['-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(path)).toBe(true);
    const socket = await open(path);
    expect(await isListening(path)).toBe(true);
    socket.close();
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'mine'), {}, /there is a file that is no socket/],
    ['a user nobody knows', () => undefined, { owner: 'nobody-knows' }, /the user nobody-knows is not in/],
    ['a group nobody knows', () => undefined, { group: 'nobody-knows' }, /the group nobody-knows is not in/],
  ])('is refused in place of %s', async (_, prepare, more, message) => {
    const path = join(folder, 'a.sock');
    prepare(path);
    const before = existsSync(path);
    await expect(open(path, more)).rejects.toMatchObject({
      code: 'PORTICO_SOCKET_UNUSABLE',
      message: expect.stringMatching(message),
    });
    expect(existsSync(path)).toBe(before);
  });

  it('wants its folder, and the right to write there', async () => {
    await expect(open(join(folder, 'missing/a.sock'))).rejects.toMatchObject({
      code: 'PORTICO_SOCKET_UNUSABLE',
    });
    if (process.getuid?.() === 0) return;
    chmodSync(folder, 0o500);
    await expect(open(join(folder, 'a.sock'))).rejects.toMatchObject({ code: 'PORTICO_SOCKET_UNUSABLE' });
  });
});
