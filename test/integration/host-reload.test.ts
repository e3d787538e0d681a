import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';
import { headerOf, RawClient } from '#test/support/raw-client.js';

const QUICK = 'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\n';
const cli = join(repositoryFolder, 'dist/host/cli/main.js');

interface Result {
  readonly changed: readonly string[];
  readonly needsRestart: readonly string[];
}

let host: TestHost;
const clients: RawClient[] = [];

/** Writes `host.yaml` and has it read. */
async function reload(config: string): Promise<Result> {
  writeFileSync(join(host.base, 'host.yaml'), QUICK + config);
  const response = await host.admin('/v1/server/reload', 'POST');
  expect(response.status).toBe(200);
  return ((await response.json()) as { reload: Result }).reload;
}

async function connect(): Promise<RawClient> {
  const client = await RawClient.open(host.port);
  clients.push(client);
  return client;
}

/** Status and text of an answer on a connection of its own. */
async function ask(name: string, path: string, fields = ''): Promise<string> {
  const client = await connect();
  client.send(`GET ${path} HTTP/1.1\r\nHost: ${name}\r\n${fields}Connection: close\r\n\r\n`);
  const response = await client.response();
  return response?.status === 200 ? response.body.toString().trim() : String(response?.status);
}

const echo = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `export default (req, res) => {
  const end = () => res.end(req.socket.remoteAddress);
  if (req.url === '/slow') setTimeout(end, 1000); else end();
};`,
};

beforeAll(async () => {
  host = await TestHost.start({
    config: `${QUICK}hosts: [{ name: shop.example }]\ndefaultHost: shop.example\nunknownHost: 404\n`,
    apps: { echo, blog: { 'index.html': 'blog' } },
  });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});
afterAll(async () => {
  await host.stop();
});

describe('a reload of host.yaml', () => {
  it('takes new hosts, moves an application there, and takes the host away again', async () => {
    expect(await ask('blog.example', '/blog/')).toBe('404');
    const hosts = 'hosts: [{ name: shop.example, aliases: ["*.shop.example"] }, { name: blog.example }]\n';
    const rest = 'defaultHost: shop.example\nunknownHost: 421\n';
    expect(await reload(hosts + rest)).toEqual({ changed: ['hosts', 'unknownHost'], needsRestart: [] });
    expect(await ask('a.shop.example', '/blog/')).toBe('blog');
    expect(await ask('other.example', '/blog/')).toBe('421');
    host.dropFile('blog.yaml', 'portico: { servlet: { host: blog.example, context: /there } }\n');
    await until('moved', async () => (await ask('blog.example', '/there/')) === 'blog' || undefined);

    await reload(`hosts: [{ name: shop.example }]\n${rest}`);
    expect(await ask('blog.example', '/there/')).toBe('421');
    const { pendingFailure } = await host.untilApplication(
      'blog',
      (blog) => blog.pendingFailure !== undefined,
    );
    expect(pendingFailure).toContain('there is no virtual host');
    await reload(hosts + rest);
    await until('back', async () => (await ask('blog.example', '/there/')) === 'blog' || undefined);
    await host.untilApplication('blog', (blog) => blog.pendingFailure === undefined);
  });

  it('starts an application that was waiting for its host', async () => {
    const one = 'hosts: [{ name: shop.example }';
    const rest = ']\ndefaultHost: shop.example\n';
    await reload(one + rest);
    host.drop('late', { 'index.html': 'late' });
    host.dropFile('late.yaml', 'portico: { servlet: { host: late.example, context: /late } }\n');
    await host.untilApplication('late', ({ state }) => state === 'failed');
    await reload(`${one}, { name: late.example }${rest}`);
    await until('it answers', async () => (await ask('late.example', '/late/')) === 'late' || undefined);
  });

  it('gives limits and trusted proxies to new connections, and loses no request of old ones', async () => {
    const common = 'hosts: [{ name: shop.example }]\ndefaultHost: shop.example\n';
    await reload(common);
    const idle = await connect();
    idle.send('GET /echo/ HTTP/1.1\r\nHost: shop.example\r\n\r\n');
    await idle.response();
    const busy = await connect();
    busy.send('GET /echo/slow HTTP/1.1\r\nHost: shop.example\r\n\r\n');
    const connectors =
      'connectors: [{ trustedProxies: [127.0.0.1], limits: { maxHeaderCount: 5, keepAliveTimeout: 50s } }]\n';
    expect(await reload(common + connectors)).toEqual({
      changed: ['connectors.http.limits', 'connectors.http.trustedProxies'],
      needsRestart: [],
    });
    const spoken = 'X-Forwarded-For: 9.8.7.6\r\n';
    expect(await ask('shop.example', '/echo/', spoken)).toBe('9.8.7.6');
    expect(await ask('shop.example', '/echo/', 'A: b\r\n'.repeat(6))).toBe('431');
    const answer = await busy.response();
    expect([answer?.status, answer && headerOf(answer, 'connection')]).toEqual([200, 'close']);
    idle.send(`GET /echo/ HTTP/1.1\r\nHost: shop.example\r\n${spoken}\r\n`);
    const last = await idle.response();
    expect([last?.body.toString(), last && headerOf(last, 'connection')]).toEqual(['127.0.0.1', 'close']);
    await idle.closing();
  });

  it('changes the access log, and SIGHUP does it as well', async () => {
    const common = 'hosts: [{ name: shop.example }]\ndefaultHost: shop.example\n';
    writeFileSync(join(host.base, 'host.yaml'), `${QUICK}${common}accessLog: { format: json }\n`);
    process.kill(host.pid, 'SIGHUP');
    await until('the reload', () => host.log.includes('"accessLog"') || undefined);
    await ask('shop.example', '/echo/?json');
    await host.logFile('access.log', /^\{.*\/echo\/\?json/m);
    await reload(`${common}accessLog: { enabled: false }\n`);
    await ask('shop.example', '/echo/?unseen');
    await reload(common);
    await ask('shop.example', '/echo/?seen');
    expect(await host.logFile('access.log', /"GET \/echo\/\?seen/)).not.toContain('?unseen');
  });

  it('names what needs a restart, and leaves that as it is', async () => {
    const common = 'hosts: [{ name: shop.example }]\ndefaultHost: shop.example\n';
    await reload(common);
    const more =
      'fronts: 2\nconnectors: [{ tls: { certificates: [{ cert: a.crt, key: a.key }] } }, { port: 1 }]\n';
    const result = await reload(common + more);
    expect(result).toEqual({
      changed: [],
      needsRestart: ['fronts', 'connectors.http.tls', 'connectors.http-2'],
    });
    expect((await reload('hosts: [{ name: shop.example }]\n')).needsRestart).toEqual(['defaultHost']);
    expect(await ask('shop.example', '/echo/')).toBe('127.0.0.1');
    expect(await reload(common)).toEqual({ changed: [], needsRestart: [] });
  });

  it('keeps everything when the file is broken, and says where', async () => {
    const common = 'hosts: [{ name: shop.example }]\ndefaultHost: shop.example\nunknownHost: 404\n';
    await reload(common);
    writeFileSync(join(host.base, 'host.yaml'), `unknownHost: 421\n${common}frnts: 2\n`);
    const response = await host.admin('/v1/server/reload', 'POST');
    expect(response.status).toBe(422);
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect(error.code).toBe('PORTICO_CONFIG_INVALID');
    expect(error.message).toMatch(/host\.yaml:\d+:\d+/);
    await until('the log', () => host.log.includes('the configuration stays as it was') || undefined);
    expect(await ask('other.example', '/echo/')).toBe('404');
    const command = (verb: string) =>
      spawnSync(process.execPath, [cli, verb, '--base', host.base], { encoding: 'utf8' });
    const { status, stderr } = command('reload');
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/host\.yaml:\d+:\d+.*\[PORTICO_CONFIG_INVALID\]/s),
    ]);
    const listed = command('list');
    expect([listed.status, listed.stdout]).toEqual([0, expect.stringContaining('echo')]);
    expect(listed.stderr).toMatch(/runs with what its host\.yaml was before: .*host\.yaml:\d+:\d+/);
    writeFileSync(join(host.base, 'host.yaml'), `${QUICK}${common.replace('404', '421')}`);
    expect(command('reload').stdout).toBe('changed: unknownHost\n');
    expect(await ask('other.example', '/echo/')).toBe('421');
  });

  it('reaches a front that begins later', async () => {
    const common = 'hosts: [{ name: shop.example }]\ndefaultHost: shop.example\n';
    await reload(`${common}unknownHost: 404\nconnectors: [{ limits: { maxHeaderCount: 4 } }]\n`);
    const front = async (): Promise<{ pid: number; state: string } | undefined> => {
      const { server } = (await (await host.admin('/v1/server')).json()) as {
        server: { fronts: { pid: number; state: string }[] };
      };
      return server.fronts[0];
    };
    const before = await front();
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await until('another front', async () => {
      const now = await front();
      return now?.state === 'running' && now.pid !== before?.pid ? true : undefined;
    });
    expect(await ask('other.example', '/echo/')).toBe('404');
    expect(await ask('shop.example', '/echo/', 'A: b\r\n'.repeat(6))).toBe('431');
  });
});
