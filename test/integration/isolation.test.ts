import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HostEvent } from '#host/log/event-log.js';
import { childrenOf } from '#test/bench/memory.js';
import { TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';

const calm = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': "export default (request, response) => response.end('calm');",
};
const config = `
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications:
  limits: { heap: 64MiB }
  hang: { timeout: 3s }
  restart: { minDelay: 100ms, maxDelay: 500ms, maxCrashes: 4, window: 60s }
`;

describe('isolation', () => {
  let host: TestHost;
  beforeAll(async () => {
    const flaky = join(repositoryFolder, 'apps/flaky');
    host = await TestHost.start({
      config,
      apps: { calm, flaky, flaky2: flaky, flaky3: flaky, flaky4: flaky, flaky5: flaky },
    });
  });
  afterAll(async () => {
    await host.stop();
  });

  const pidOf = async (name: string) => (await host.application(name))?.instances[0]?.pid;
  /** Another process serves; the front may learn of it a moment after the list. */
  const backAgain = async (name: string, pid: number | undefined) => {
    await host.untilApplication(name, ({ state, instances }) => {
      const now = instances[0]?.pid;
      return state === 'running' && now !== undefined && now !== pid;
    });
    await until(`${name} answers`, async () => (await host.get(`/${name}/`)).status === 200);
  };

  it('answers 502 when the process dies before it answered, and starts a new one', async () => {
    const pid = await pidOf('flaky');
    expect((await host.get('/flaky/exit')).status).toBe(502);
    expect(await host.text('/calm/')).toBe('calm');
    await backAgain('flaky', pid);
    expect((await host.get('/flaky/')).status).toBe(200);
  });

  it('truncates visibly when the process dies in mid-body', async () => {
    const pid = await pidOf('flaky2');
    const response = await host.get('/flaky2/half');
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    await backAgain('flaky2', pid);
  });

  it('replaces a process that blocks its event loop; the others answer meanwhile', async () => {
    const pid = await pidOf('flaky3');
    const blocked = host.get('/flaky3/block');
    const started = performance.now();
    while (performance.now() - started < 1000) expect(await host.text('/calm/')).toBe('calm');
    expect([502, 503, 504]).toContain((await blocked).status);
    await backAgain('flaky3', pid);
  });

  it.each(['leak', 'abort'])(
    'replaces a process that ends by /%s; the others answer meanwhile',
    async (act) => {
      const pid = await pidOf('flaky5');
      const ended = host.get(`/flaky5/${act}`);
      const started = performance.now();
      while (performance.now() - started < 500) expect(await host.text('/calm/')).toBe('calm');
      expect([502, 503, 504]).toContain((await ended).status);
      await backAgain('flaky5', pid);
      expect((await host.get('/flaky5/')).status).toBe(200);
    },
  );

  it('gives up after repeated crashes: failed, with the reason and the last output, and 503', async () => {
    for (;;) {
      const response = await host.get('/flaky4/crash');
      if (response.status === 503) expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
      const application = await host.application('flaky4');
      if (application?.state === 'failed') break;
      await host.untilApplication('flaky4', ({ state }) => state === 'running' || state === 'failed');
    }
    const failed = await host.application('flaky4');
    expect(failed?.reason).toMatch(/crash|exit/i);
    expect(failed?.lastOutput.join('\n')).toContain('asked to crash');
    const response = await host.get('/flaky4/');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await host.admin('/v1/applications/flaky4/start', 'POST')).status).toBe(200);
    expect((await host.get('/flaky4/')).status).toBe(200);
  });

  it.each([
    ['hoarder', ''],
    // Then it cannot measure itself.
    ['double-hoarder', 'for (;;) kept.push(openSync("/dev/null"));'],
  ])('replaces a process whose memory outside the heap grows beyond its limit (%s)', async (name, first) => {
    host.drop(name, {
      'package.json': '{ "type": "module", "main": "app.js" }',
      'application.yaml': 'portico: { servlet: { limits: { memory: 200MiB, files: 100 } } }',
      'app.js': `import { openSync } from 'node:fs';
const kept = [];
export default (request, response) => {
  try { if (request.url === '/hoard') { ${first} } } catch (error) { console.log(error.code); }
  if (request.url === '/hoard') kept.push(Buffer.alloc(300 * 1024 * 1024, 1));
  response.end(String(kept.length));
};`,
    });
    const before = await host.untilApplication(name, ({ state }) => state === 'running');
    // It may be noticed before it has answered.
    await host.get(`/${name}/hoard`);
    await backAgain(name, before.instances[0]?.pid);
    expect(await host.text(`/${name}/`)).toBe('0');
    expect(host.log).toMatch(new RegExp(`${name}@[^\\n]*limits\\.memory is 200MiB`));
    if (first !== '') await host.logFile(`${name}/output.log`, /EMFILE/);
    expect(await host.text('/calm/')).toBe('calm');
  });

  it('refuses no connection when the front is killed under load', async () => {
    const front = childrenOf(host.pid).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('front/main'),
    );
    expect(front).toBeDefined();
    const outcomes: string[] = [];
    let isDone = false;
    const clients = Array.from({ length: 8 }, async () => {
      while (!isDone) {
        // A new connection each time: those that the dead front had accepted may break, none may be refused.
        const outcome = await host
          .get('/calm/', { headers: { connection: 'close' } })
          .then(({ status }) => String(status))
          .catch((error: { cause?: { code?: string } }) => String(error.cause?.code));
        outcomes.push(outcome);
      }
    });
    process.kill(front ?? 0, 'SIGKILL');
    const killedAt = outcomes.length;
    await until('a new front answers', () =>
      outcomes.slice(killedAt + 8).filter((outcome) => outcome === '200').length > 50 ? true : undefined,
    );
    isDone = true;
    await Promise.all(clients);
    expect(outcomes).not.toContain('ECONNREFUSED');
    expect(outcomes.filter((outcome) => outcome !== '200').length).toBeLessThanOrEqual(8);
    const { events } = (await (await host.admin('/v1/events')).json()) as { events: HostEvent[] };
    expect(events.find(({ event }) => event === 'front-ended')).toMatchObject({
      level: 'error',
      application: '',
      message: 'front 1 was ended by SIGKILL; another takes its place',
      details: { front: 1, pid: front },
    });
  });
});
