import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { childrenOf } from '#test/bench/memory.js';
import { type BundleContent, TestHost } from '#test/support/host.js';
import { isAlive, until } from '#test/support/polling.js';

const bystander: BundleContent = {
  'package.json': '{ "main": "app.mjs" }',
  'app.mjs': `const facts = () => [process.cwd() !== '/', {}.polluted, typeof [].map, process.env.LEFT_BEHIND, process.pid].join();
export default (request, response) => response.end(facts());`,
};
const villain: BundleContent = {
  'package.json': '{ "main": "app.mjs" }',
  'app.mjs': `import { createServer } from 'node:net';
const acts = {
  exit: () => process.exit(0),
  abort: () => process.abort(),
  segv: () => process.kill(process.pid, 'SIGSEGV'),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  reject: () => void Promise.reject(new Error('nobody catches this')),
  throw: () => setTimeout(() => { throw new Error('nobody catches this'); }),
  next: () => process.nextTick(() => null.x),
  murder: () => process.kill(process.ppid, 'SIGKILL'),
};
const pollute = () => {
  process.chdir('/');
  process.env.LEFT_BEHIND = '1';
  process.umask(0);
  Object.prototype.polluted = 'yes';
  Array.prototype.map = undefined;
  JSON.parse = () => 'poison';
  globalThis.Buffer = undefined;
  process.emit = () => { throw new Error('poison'); };
};
export default (request, response) => {
  const act = request.url.slice(1);
  if (act === 'port') {
    const server = createServer((socket) => socket.end('open')).listen(0, '127.0.0.1', () => {
      response.end(String(server.address().port));
    });
  } else if (act === 'pollute') {
    pollute();
    response.end('polluted');
  } else if (acts[act] === undefined) response.end(String(process.pid));
  else acts[act]();
};`,
};
const config = `
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications: { restart: { minDelay: 50ms, maxDelay: 200ms, maxCrashes: 100, window: 60s } }
`;

describe('an application that does harm', () => {
  let host: TestHost;
  let calm: string;
  beforeAll(async () => {
    host = await TestHost.start({ config, apps: { bystander, villain } });
    calm = await host.text('/bystander/');
  }, 120_000);
  afterAll(() => host.stop('SIGKILL'));

  const pidOf = async (): Promise<number | undefined> =>
    (await host.application('villain'))?.instances[0]?.pid;
  const untilBack = async (pid: number | undefined) => {
    await host.untilApplication('villain', ({ state, instances }) => {
      const now = instances[0]?.pid;
      return state === 'running' && now !== undefined && now !== pid;
    });
    await until('it answers', async () => (await host.get('/villain/')).status === 200);
  };

  it.each([
    ['exit', /exited with code 0/],
    ['abort', /SIGABRT/],
    ['segv', /SIGSEGV/],
    ['kill', /SIGKILL/],
    ['reject', /exited with code 1/],
    ['throw', /exited with code 1/],
    ['next', /exited with code 1/],
  ])(
    'ends alone by /%s; it is started again, and its neighbour is the same process as before',
    async (act, reason) => {
      const pid = await pidOf();
      const ended = host.get(`/villain/${act}`);
      const neighbour = await Promise.all(Array.from({ length: 20 }, () => host.text('/bystander/')));
      expect(new Set(neighbour)).toEqual(new Set([calm]));
      expect([502, 503, 504]).toContain((await ended).status);
      await untilBack(pid);
      expect((await host.application('villain'))?.instances[0]?.restarts).toBeGreaterThan(0);
      expect(host.log).toMatch(reason);
      expect(await host.text('/bystander/')).toBe(calm);
    },
  );

  it('changes directory, environment and built-in objects for itself only', async () => {
    const pid = await pidOf();
    await host.get('/villain/pollute').catch(() => undefined);
    expect(await host.text('/bystander/')).toBe(calm);
    expect((await host.admin('/v1/applications')).status).toBe(200);
    const [front] = childrenOf(host.pid);
    expect(front).toBeDefined();
    expect((await host.admin('/v1/applications/villain/reload', 'POST')).status).toBe(200);
    await untilBack(pid);
    expect(await host.text('/bystander/')).toBe(calm);
  });

  it('opens a port past the host, which serves on', async () => {
    const port = Number(await host.text('/villain/port'));
    const socket = connect(port, '127.0.0.1');
    const [data] = await once(socket, 'data');
    expect(String(data)).toBe('open');
    socket.destroy();
    expect(await host.text('/bystander/')).toBe(calm);
  });

  it('ends the server of the same user by SIGKILL: the next one on the base finds nothing left and serves both', async () => {
    const before = childrenOf(host.pid);
    expect(before.length).toBeGreaterThanOrEqual(3);
    const died = once(host.process, 'exit');
    host.get('/villain/murder').catch(() => undefined);
    const [, signal] = await died;
    expect(signal).toBe('SIGKILL');
    host = await TestHost.startOn(host.base);
    await until('nothing of the dead server is left', () => !before.some((pid) => isAlive(pid)));
    expect((await host.get('/villain/')).status).toBe(200);
    expect((await host.get('/bystander/')).status).toBe(200);
  });
});

it('a front that hangs does not keep the next server from its port when the server was killed', async () => {
  const first = await TestHost.start({ config, apps: { bystander } });
  const isFront = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('front/main');
  const front = childrenOf(first.pid).find(isFront) ?? 0;
  process.kill(front, 'SIGSTOP');
  await first.end('SIGKILL');
  const connectors = `connectors: [{ name: web }, { name: before, port: ${first.port} }]\n`;
  writeFileSync(join(first.base, 'host.yaml'), connectors + config);
  const next = await TestHost.startOn(first.base);
  expect(next.ports).toContain(first.port);
  expect(next.log).toContain('a front of a server that is no more held before; it was ended');
  await until('it has ended', () => !isAlive(front));
  const answer = await fetch(`http://127.0.0.1:${first.port}/bystander/`);
  expect(answer.status).toBe(200);
  await next.stop();
});
