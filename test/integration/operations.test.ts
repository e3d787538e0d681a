import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { isAlive, until } from '#test/support/polling.js';

const esm = (text: string) => ({ 'package.json': '{ "type": "module", "main": "app.js" }', 'app.js': text });
const says = (answer: string) => esm(`export default (q, r) => r.end('${answer}');`);

/** A bundle that does not get ready as long as there is this file, which is made. */
function startsWithout(hold: string, answer: string): Readonly<Record<string, string>> {
  writeFileSync(hold, '');
  return esm(`import { existsSync } from 'node:fs';
while (existsSync(${JSON.stringify(hold)})) await new Promise((resolve) => setTimeout(resolve, 20));
export default (q, r) => r.end('${answer}');`);
}

/** Every process below this one, with its own children. */
function descendants(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    rows.flatMap(([child, of]) => (of === parent && child !== undefined ? [child, ...below(child)] : []));
  return below(pid);
}

const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

describe('operations', () => {
  const hosts: TestHost[] = [];
  const start = async (options: Parameters<typeof TestHost.start>[0]) => {
    const host = await TestHost.start(options);
    hosts.push(host);
    return host;
  };
  afterEach(async () => {
    // The last first: it may run on the base of one before it.
    for (const host of hosts.splice(0).reverse()) await host.stop();
  });

  it('the server killed in the middle of a swap leaves no process; the next one converges', async () => {
    const host = await start({
      apps: {
        calm: says('calm'),
        swap: says('one'),
        parent: esm(
          "import { spawn } from 'node:child_process'; spawn('sleep', ['600']); export default (q, r) => r.end('parent');",
        ),
        held: says('held'),
        blocks: esm('export default (q, r) => { for (;;); }'),
      },
    });
    expect((await host.admin('/v1/applications/held/stop', 'POST')).status).toBe(200);
    void host.get('/blocks/').catch(() => undefined);
    const hold = join(host.base, 'hold');
    host.drop('swap', startsWithout(hold, 'two'));
    await until('the new version starts', () => (descendants(host.pid).length >= 7 ? true : undefined));
    const blocked = (await host.application('blocks'))?.instances[0]?.pid;
    const all = descendants(host.pid);
    await host.end('SIGKILL');
    // One that is blocked cannot see that its server is gone; the next server ends it.
    await until('no other process is left', () =>
      all.some((pid) => pid !== blocked && isAlive(pid)) ? undefined : true,
    );
    rmSync(hold);
    const next = await TestHost.startOn(host.base);
    hosts.push(next);
    await until('nothing is left', () => (all.some((pid) => isAlive(pid)) ? undefined : true));
    await until('the new version serves', async () =>
      (await next.text('/swap/')) === 'two' ? true : undefined,
    );
    expect(await next.text('/calm/')).toBe('calm');
    expect((await next.application('held'))?.state).toBe('stopped');
    expect(next.log).not.toContain('"level":"error"');
  }, 240_000);

  it('50 redeploys under load: no failed request; processes and descriptors as before', async () => {
    const host = await start({
      apps: { calm: says('calm'), again: says('0') },
      config: 'deployer: { stabilityWindow: 50ms, scanInterval: 100ms }\n',
    });
    const failures: string[] = [];
    let count = 0;
    let isDone = false;
    const client = async (path: string) => {
      while (!isDone && host.process.exitCode === null) {
        const given = await host.get(path).catch((error: unknown) => String(error));
        count += 1;
        if (typeof given === 'string') failures.push(given);
        else if (given.status === 200) await given.text();
        else failures.push(`${path} ${given.status}`);
      }
    };
    await host.text('/again/');
    const front =
      descendants(host.pid).find((pid) => /front/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) ?? 0;
    const before = {
      processes: descendants(host.pid).length,
      server: descriptorsOf(host.pid),
      front: descriptorsOf(front),
    };
    const clients = ['/again/', '/again/', '/calm/'].map(client);
    for (let round = 1; round <= 50; round += 1) {
      host.drop('again', says(String(round)));
      await until(
        `round ${round}`,
        async () => ((await host.text('/again/')) === String(round) ? true : undefined),
        60_000,
      );
    }
    isDone = true;
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect(count).toBeGreaterThan(100);
    // What is left is connections of the clients, which close when they are idle, and nothing else.
    await until(
      'processes, descriptors and store are as before',
      () => {
        const now = [descendants(host.pid).length, descriptorsOf(host.pid), descriptorsOf(front)] as const;
        const isAsBefore =
          now[0] <= before.processes && now[1] <= before.server && now[2] <= before.front + 3;
        const stored = readdirSync(join(host.base, 'work/store')).length;
        return isAsBefore && stored < 8 ? true : undefined;
      },
      120_000,
    );
  }, 240_000);

  it('500 bundles at once: all serve; admin and another application answer all the while; it stops with 0', async () => {
    const host = await start({ apps: { calm: says('calm') } });
    const names = Array.from({ length: 500 }, (_, n) => `n${n}`);
    // Every twentieth has a process of its own.
    for (const [n, name] of names.entries())
      host.drop(name, n % 20 === 0 ? says(name) : { 'index.html': name });
    let isDone = false;
    let calls = 0;
    const failures: string[] = [];
    const client = async () => {
      for (; !isDone && host.process.exitCode === null; calls += 1) {
        const text = await host.text('/calm/').catch((error: unknown) => String(error));
        if (text !== 'calm') failures.push(text);
        await delay(20);
      }
    };
    const running = client();
    await until(
      'all are up',
      async () => {
        const applications = await host.applications();
        return applications.filter(({ state }) => state === 'running').length === 501 ? true : undefined;
      },
      180_000,
    );
    for (const name of names) expect(await host.text(`/${name}/`)).toBe(name);
    isDone = true;
    await running;
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(10);
    expect(await host.stop()).toBe(0);
  }, 300_000);

  it('a drop folder that turns into a file, or comes back, undeploys nothing', async () => {
    const host = await start({ apps: { calm: says('calm'), other: says('other') } });
    const apps = join(host.base, 'apps');
    renameSync(apps, `${apps}.away`);
    writeFileSync(apps, 'a file');
    await until('the loss is reported', () => (/cannot be listed/.test(host.log) ? true : undefined));
    await delay(1000);
    expect([await host.text('/calm/'), await host.text('/other/')]).toEqual(['calm', 'other']);
    rmSync(apps);
    renameSync(`${apps}.away`, apps);
    host.remove('other');
    await until('a removal counts again', async () =>
      (await host.application('other')) === undefined ? true : undefined,
    );
    expect(await host.text('/calm/')).toBe('calm');
  }, 240_000);

  it('a stop during a start ends stopped; a second stop meanwhile is refused; reload starts it', async () => {
    const host = await start({ apps: { calm: says('calm') } });
    const hold = join(host.base, 'hold');
    host.drop('slow', startsWithout(hold, 'slow'));
    await host.untilApplication('slow', ({ state }) => state === 'starting');
    const act = (verb: string) => host.admin(`/v1/applications/slow/${verb}`, 'POST');
    const [first, second] = await Promise.all([act('stop'), act('stop')]);
    expect([first.status, second.status].sort()).toEqual([200, 409]);
    expect(await host.application('slow')).toMatchObject({ state: 'stopped', instances: [] });
    expect((await host.get('/slow/')).status).toBe(503);
    rmSync(hold);
    expect((await act('reload')).status).toBe(200);
    expect(await host.text('/slow/')).toBe('slow');
  }, 240_000);
});
