import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type BundleContent, TestHost } from '#test/support/host.js';
import { isAlive, until } from '#test/support/polling.js';

const bystander: BundleContent = {
  'package.json': '{ "main": "app.mjs" }',
  'app.mjs': 'export default (request, response) => response.end(String(process.pid));',
};
/** Does to what it has got from the host whatever it can. */
const villain: BundleContent = {
  'package.json': '{ "main": "app.mjs" }',
  'app.mjs': `import { closeSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
const CHANNEL = 3;
const say = (message) => writeSync(CHANNEL, JSON.stringify(message) + '\\n');
const numbers = { rssBytes: 1e18, heapUsedBytes: -1, cpuUserMicros: 'x', cpuSystemMicros: null, utilization: 99, exchanges: {} };
const forged = [
  { type: 'hello', pid: 1 }, { type: 'ready', kind: 'framework' }, { type: 'booting' },
  { type: 'failed', step: 'load', code: 'X', message: 'forged', stack: '' },
  { type: 'stats', ...numbers, rssBytes: -5 },
  { type: 'boot', plan: {} }, { type: 'stop', graceMs: 0, application: 'bystander' }, { type: 'kill', pid: process.ppid },
  { type: '__proto__' }, { ['__proto__']: { polluted: 1 }, type: 'constructor' }, null, 7, 'stop', [], {},
];
const print = async (text) => {
  for (let i = 0; i < 300; i++) await new Promise((resolve) => process.stdout.write(text, resolve));
};
const pour = (text) => setImmediate(() => {
  try {
    for (;;) writeSync(CHANNEL, text);
  } catch {
    // The host reads as fast as it can.
    pour(text);
  }
});
const acts = {
  forge: () => forged.forEach(say),
  garbage: () => writeSync(CHANNEL, 'no message\\n'),
  endless: () => pour('x'.repeat(10_000)),
  flood: () => pour('{ "type": "stats" }\\n'),
  hangup: () => closeSync(CHANNEL),
  deaf: () => { for (const fd of readdirSync('/proc/self/fd')) {
    try { if (Number(fd) > CHANNEL && readlinkSync('/proc/self/fd/' + fd).startsWith('socket:')) closeSync(Number(fd)); } catch { /* gone */ }
  } },
  mute: () => { closeSync(1); closeSync(2); },
  sleep: () => process.kill(process.pid, 'SIGSTOP'),
  native: () => { setFlagsFromString('--allow-natives-syntax'); new Function('%SystemBreak()')(); },
  line: () => print('x'.repeat(1 << 20)),
  lines: () => print(('y'.repeat(99) + '\\n').repeat(10_000)),
  fork: () => { for (let i = 0; i < 40; i++) spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }).unref(); },
  term: () => process.kill(process.ppid, 'SIGTERM'),
};
export default async (request, response) => {
  const act = request.url.slice(1);
  if (act === 'ipc') return response.end([typeof process.send, typeof process.disconnect, process.connected].join());
  await acts[act]?.();
  response.end(String(process.pid));
};`,
};
const config = `
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications: { hang: { timeout: 2s }, restart: { minDelay: 50ms, maxDelay: 200ms, maxCrashes: 100, window: 60s } }
`;

function environmentOf(pid: string): Record<string, string> | undefined {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return Object.fromEntries(variables.map((variable) => variable.split('=', 2)));
  } catch {
    // It has ended, or belongs to somebody else.
    return undefined;
  }
}

describe('an application that spoils what the host has given it', () => {
  let host: TestHost;
  let calm: string;
  beforeAll(async () => {
    host = await TestHost.start({ config, apps: { bystander, villain } });
    calm = await host.text('/bystander/');
  }, 120_000);
  afterAll(() => host.stop('SIGKILL'));

  const villainNow = async () => (await host.application('villain'))?.instances[0];
  const unharmed = async (): Promise<void> => {
    expect(await host.text('/bystander/')).toBe(calm);
    expect((await host.admin('/v1/applications')).status).toBe(200);
  };
  const memoryOf = (pid: number): number =>
    Number(/^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

  it('finds no way of Node to send to the host', async () => {
    expect(await host.text('/villain/ipc')).toBe('undefined,undefined,');
  });

  it('changes nothing by reports that it makes up, neither for itself nor for others', async () => {
    const pid = await host.text('/villain/forge');
    for (let i = 0; i < 5; i++) expect(await host.text('/villain/')).toBe(pid);
    await unharmed();
    expect((await host.application('villain'))?.state).toBe('running');
    expect((await villainNow())?.restarts).toBe(0);
  });

  it.each<[string, RegExp]>([
    ['garbage', /wrote to its control channel what is no message/],
    ['endless', /wrote to its control channel what is no message/],
    ['flood', /flooded its control channel/],
    ['hangup', /closed its control channel|ended by SIGKILL/],
    ['deaf', /lost by the front|accepts connections|did not answer|exited with code/],
    ['sleep', /did not answer for 2 s/],
    // A trap of the machine code of V8; a signal by kill is in containment.test.ts.
    ['native', /SIGTRAP/],
  ])('is replaced when it does /%s; its neighbour is the same process as before', async (act, reason) => {
    const before = await villainNow();
    host.get(`/villain/${act}`).catch(() => undefined);
    await unharmed();
    const after = await host.untilApplication('villain', ({ state, instances }) => {
      const [now] = instances;
      return (
        state === 'running' && now?.pid !== before?.pid && (now?.restarts ?? 0) > (before?.restarts ?? 0)
      );
    });
    expect(after.instances[0]?.lastCrash?.reason).toMatch(reason);
    await until('it answers', async () => (await host.get('/villain/')).status === 200);
    await unharmed();
  });

  it('serves on when it has closed its output', async () => {
    const pid = await host.text('/villain/mute');
    expect(await host.text('/villain/')).toBe(pid);
    await unharmed();
  });

  (existsSync('/proc/self/status') ? it : it.skip).each(['line', 'lines'])(
    'costs no memory of the host by what it prints: /%s',
    async (act) => {
      expect((await host.admin('/v1/applications/villain/reload', 'POST')).status).toBe(200);
      const before = memoryOf(host.pid);
      const printing = host.get(`/villain/${act}`);
      await unharmed();
      expect((await printing).status).toBe(200);
      await unharmed();
      expect(memoryOf(host.pid) - before).toBeLessThan(150);
      // The log is cut by its rate, and rotates.
      await host.logFile('villain/output.log', /./);
    },
  );

  (existsSync('/proc/self/environ') ? it : it.skip)(
    'takes all with it that it has started, however many',
    async () => {
      await host.text('/villain/fork');
      const instance = environmentOf(String((await villainNow())?.pid))?.['PORTICO_INSTANCE'];
      const family = (): string[] =>
        readdirSync('/proc').filter(
          (pid) => /^\d+$/.test(pid) && environmentOf(pid)?.['PORTICO_INSTANCE'] === instance,
        );
      expect(family().length).toBeGreaterThanOrEqual(41);
      expect((await host.admin('/v1/applications/villain/stop', 'POST')).status).toBe(200);
      await until('all are gone', () => family().length === 0);
      await unharmed();
    },
  );

  it('makes the host end in order by SIGTERM, as its operator would', async () => {
    expect((await host.admin('/v1/applications/villain/start', 'POST')).status).toBe(200);
    const pids = (await host.applications()).flatMap(({ instances }) => instances.map(({ pid }) => pid ?? 0));
    const ended = once(host.process, 'exit');
    host.get('/villain/term').catch(() => undefined);
    const [code, signal] = await ended;
    expect([code, signal]).toEqual([0, null]);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});
