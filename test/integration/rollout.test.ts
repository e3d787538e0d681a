import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DeploymentView } from '#host/deployer/history/deployment-view.js';
import type { HostEvent } from '#host/log/event-log.js';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

/** A bundle that answers with its text; `/health` with what the code says. */
const bundle = (text: string, code = 'res.statusCode = 200;', settings = '') => ({
  'app.js': `module.exports = (req, res) => {
    if (req.url.startsWith('/fail')) { res.statusCode = 500; res.end('failed'); return; }
    if (req.url.startsWith('/crash')) process.exit(3);
    if (req.url.startsWith('/health')) { ${code} res.end(); return; }
    res.end(${JSON.stringify(text)});
  };\n`,
  'application.yaml': `portico:
  application: { main: app.js }
  servlet:
    ${settings === '' ? 'drain: { timeout: 5s }' : settings}\n`,
});

const CONFIG = `
deployer: { stabilityWindow: 100ms, scanInterval: 200ms }
applications:
  probation: { window: 20s, minRequests: 5, maxCrashes: 0 }
  restart: { minDelay: 100ms }
`;

describe('a rollout', () => {
  let host: TestHost;

  beforeAll(async () => {
    host = await TestHost.start({ config: CONFIG });
  }, 60_000);

  afterAll(async () => {
    await host.stop();
  }, 60_000);

  const deployments = async (name: string): Promise<readonly DeploymentView[]> => {
    const response = await host.admin(`/v1/applications/${encodeURIComponent(name)}/deployments`);
    return ((await response.json()) as { deployments: DeploymentView[] }).deployments;
  };
  const answers = async (path: string, text: string): Promise<void> => {
    await until(`${path} answers ${text}`, async () => ((await host.text(path)) === text ? true : undefined));
  };
  const rollback = (name: string, query = '') =>
    host.admin(`/v1/applications/${name}/rollback${query}`, 'POST');
  const events = async (name: string): Promise<HostEvent[]> => {
    const response = await host.admin(`/v1/events?application=${name}`);
    return ((await response.json()) as { events: HostEvent[] }).events;
  };

  it('writes down each step with its time', async () => {
    host.drop('steps', bundle('one', '', 'probation: { window: 0s }'));
    await answers('/steps/', 'one');
    host.drop('steps', bundle('two', '', 'probation: { window: 0s }'));
    await answers('/steps/', 'two');
    await until('the old one is stopped', async () => (await deployments('steps'))[1]?.step === 'stopped');
    const [newer, older] = await deployments('steps');
    const steps = ['seen', 'validated', 'expanded', 'starting', 'healthy', 'serving'];
    expect(newer).toMatchObject({ number: 2, step: 'serving', trigger: 'files', isKept: true });
    expect(newer?.steps.map(({ step }) => step)).toEqual(steps);
    expect(older?.steps.map(({ step }) => step)).toEqual([...steps, 'draining', 'stopped']);
    for (const { at, ms } of older?.steps ?? []) {
      expect(Number.isNaN(Date.parse(at))).toBe(false);
      expect(ms).toBeGreaterThanOrEqual(0);
    }
    expect(newer?.deployment).toMatch(/^steps@/);
  });

  it('changes over when the new instances are healthy, and not before', async () => {
    const gate = 'health: { path: "/health?deep=1", timeout: 2s, retries: 200, interval: 50ms }';
    host.drop('gate', bundle('one', '', gate));
    await answers('/gate/', 'one');
    const before = await host.application('gate');
    const sick = bundle(
      'two',
      "res.statusCode = req.url.endsWith('?deep=1') ? 503 : 200;",
      gate.replace('200', '3'),
    );
    host.drop('gate', sick);
    const after = await host.untilApplication('gate', ({ pendingFailure }) => pendingFailure !== undefined);
    expect(after.pendingFailure).toContain('health: ');
    expect(after.pendingFailure).toContain('status 503');
    expect(after).toMatchObject({ state: 'running', fingerprint: before?.fingerprint });
    expect(after.instances[0]?.pid).toBe(before?.instances[0]?.pid);
    expect(await host.text('/gate/')).toBe('one');
    const [failed, serving] = await deployments('gate');
    expect(failed).toMatchObject({ step: 'failed', cause: expect.stringContaining('503'), isKept: false });
    expect(serving?.step).toBe('serving');
    // Ready late: it says so itself, and is asked until then.
    const slow =
      'globalThis.asked = (globalThis.asked ?? 0) + 1; res.statusCode = globalThis.asked < 4 ? 503 : 200;';
    host.drop('gate', bundle('three', slow, gate));
    await answers('/gate/', 'three');
  });

  it('asks an instance that takes the place of another before it gets requests, too', async () => {
    host.drop('again', {
      'app.js': `module.exports = (req, res) => {
        if (req.url === '/crash') process.exit(3);
        if (req.url === '/health' && process.uptime() < 1) res.statusCode = 503;
        res.end(String(process.uptime()));
      };`,
      'application.yaml':
        'portico: { application: { main: app.js }, servlet: { health: { path: /health, interval: 50ms, retries: 600 } } }',
    });
    await host.untilApplication('again', ({ state }) => state === 'running');
    await host.get('/again/crash');
    await host.untilApplication('again', ({ instances }) => instances[0]?.restarts === 1);
    const uptime = await until('it answers again', async () => {
      const answer = await host.get('/again/');
      return answer.ok ? Number(await answer.text()) : undefined;
    });
    expect(uptime).toBeGreaterThanOrEqual(1);
  });

  it('returns to the old content when the new one answers too badly', async () => {
    host.drop('bad', bundle('good'));
    await answers('/bad/', 'good');
    const before = await host.application('bad');
    host.drop('bad', bundle('worse'));
    await answers('/bad/', 'worse');
    const status = await until('the old content serves', async () => {
      await host.get('/bad/fail');
      const now = await host.application('bad');
      return now?.fingerprint === before?.fingerprint ? now : undefined;
    });
    expect(status.instances[0]?.pid).toBe(before?.instances[0]?.pid);
    expect(status.pendingFailure).toMatch(/^probation: \d+ % of its \d+ requests failed/);
    await answers('/bad/', 'good');
    const [worse, good] = await until('it stays with the old content', async () => {
      const known = await deployments('bad');
      return known[1]?.isPinned === true ? known : undefined;
    });
    expect((await events('bad')).map(({ event }) => event)).toContain('rolled-back');
    expect(good?.step).toBe('serving');
    expect(['failed', 'draining', 'stopped']).toContain(worse?.step);
    expect(worse?.cause).toBe(status.pendingFailure);
    // The bad files lie there still; only others are taken.
    host.drop('bad', bundle('mended'));
    await answers('/bad/', 'mended');
    // Nor is it what a rollback goes to.
    expect((await rollback('bad')).status).toBe(200);
    expect(await host.text('/bad/')).toBe('good');
  });

  it('returns to the old content when the new one crashes', async () => {
    host.drop('frail', bundle('good'));
    await answers('/frail/', 'good');
    host.drop('frail', bundle('frail'));
    await answers('/frail/', 'frail');
    await host.get('/frail/crash');
    await answers('/frail/', 'good');
    expect((await host.application('frail'))?.pendingFailure).toContain('exited with code 3');
  });

  it('goes back to content of before by one command, and stays there until the files change', async () => {
    for (const text of ['one', 'two', 'three']) {
      host.drop('back', bundle(text));
      await answers('/back/', text);
    }
    expect((await rollback('back')).status).toBe(200);
    expect(await host.text('/back/')).toBe('two');
    expect((await rollback('back')).status).toBe(200);
    expect(await host.text('/back/')).toBe('one');
    const impossible = await rollback('back');
    expect(impossible.status).toBe(409);
    expect(await impossible.text()).toContain('PORTICO_ROLLBACK_IMPOSSIBLE');
    const [first] = (await deployments('back')).filter(({ number }) => number === 3);
    expect((await rollback('back', `?to=${first?.fingerprint?.slice(0, 10)}`)).status).toBe(200);
    expect(await host.text('/back/')).toBe('three');
    expect((await rollback('back', '?to=1')).status).toBe(200);
    expect((await host.application('back'))?.rolledBackTo).toEqual(expect.any(Number));
    // The same files once more are no change.
    host.drop('back', bundle('three'));
    host.drop('marker', bundle('marker'));
    await answers('/marker/', 'marker');
    expect(await host.text('/back/')).toBe('one');
    await host.admin('/v1/applications/back/reload', 'POST');
    expect(await host.text('/back/')).toBe('three');
    expect(await host.application('back')).not.toHaveProperty('rolledBackTo');
    host.drop('back', bundle('four'));
    await answers('/back/', 'four');
  });

  it('starts applications in the order of dependsOn, and the others whatever becomes of these', async () => {
    const needs = (names: string) => bundle('ok', '', `dependsOn: ${names}`);
    host.drop('late', needs('[base]'));
    host.drop('ring-a', needs('[ring-b]'));
    host.drop('ring-b', needs('[ring-a]'));
    const late = await host.untilApplication('late', ({ state }) => state === 'failed');
    expect(late.reason).toContain('depends on base');
    const ring = await host.untilApplication('ring-b', ({ state }) => state === 'failed');
    expect(ring.reason).toContain('ring-b -> ring-a -> ring-b');
    host.drop('base', bundle('base'));
    await answers('/late/', 'ok');
    const since = async (name: string) => Date.parse((await host.application(name))?.deployedAt ?? '');
    expect(await since('late')).toBeGreaterThanOrEqual(await since('base'));
    host.drop('ring-a', bundle('mended'));
    await answers('/ring-b/', 'ok');
  });

  it('is not ready while a required application does not run', async () => {
    expect((await host.admin('/health/ready')).status).toBe(200);
    host.drop('vital', { ...bundle('x', '', 'required: true'), 'app.js': 'throw new Error("broken");' });
    await host.untilApplication('vital', ({ state }) => state === 'failed');
    const response = await host.admin('/health/ready');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ missed: 1 });
    host.drop('vital', bundle('vital', '', 'required: true'));
    await answers('/vital/', 'vital');
    expect((await host.admin('/health/ready')).status).toBe(200);
  });

  it('shows history and plan, and rolls back, on the command line', async () => {
    host.drop('line', bundle('one'));
    await answers('/line/', 'one');
    host.drop('line', bundle('two'));
    await answers('/line/', 'two');
    expect(await host.portico('rollback', 'line', '--to', '1')).toContain('running');
    expect(await host.text('/line/')).toBe('one');
    expect(await host.portico('history', 'line')).toMatch(
      /^NUMBER {2}KEPT.*\n3 +\* .*serving +rollback .*rolled back to/,
    );
    expect(await host.portico('plan')).toMatch(/keep +line +\/line +it was rolled back to deployment 3/);
    await host.portico('app', 'stop', 'line');
    expect(await host.portico('plan')).toMatch(/keep +line/);
  });
});
