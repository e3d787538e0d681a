import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AgentProcess } from '#test/support/agent-process.js';
import { fixturesFolder, repositoryFolder } from '#test/support/paths.js';
import { WAIT_MS } from '#test/support/polling.js';

/** A work store as the host makes it: the bundle, and above it the package that it imports without carrying it. */
let store: string;
let bundle: string;
const started: AgentProcess[] = [];

beforeAll(() => {
  store = realpathSync(mkdtempSync(join(tmpdir(), 'portico-w-')));
  bundle = join(store, 'framework');
  cpSync(join(fixturesFolder, 'bundles/framework'), bundle, { recursive: true });
  mkdirSync(join(store, 'node_modules'));
  symlinkSync(repositoryFolder, join(store, 'node_modules/portico'));
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((agent) => agent.kill()));
});

afterAll(() => {
  rmSync(store, { recursive: true });
});

function start(plan = {}): AgentProcess {
  const agent = new AgentProcess(bundle, { kind: 'modules', modules: ['app.js#greetings'] }, plan);
  started.push(agent);
  return agent;
}

describe('an instance of a framework application', () => {
  it('serves it under its context path, with its configuration', async () => {
    const agent = start({ config: { greeting: 'good day' } });
    expect((await agent.report('ready')).kind).toBe('framework');
    expect((await agent.fetch()).body).toBe('good day from /test');
    expect((await agent.fetch({ target: '/hello/ann' })).body).toBe('good day ann');
    expect((await agent.fetch({ target: '/none' })).status).toBe(404);
  });

  it('gives it its whole configuration, under both names of the section, with the places of the values', async () => {
    const agent = start({
      config: { ktor: { deployment: { port: 'web' } }, greeting: 'hi' },
      configOrigins: { 'ktor.deployment.port': 'application.conf:4' },
    });
    expect((await agent.fetch({ target: '/property/portico.deployment.port' })).body).toBe(
      'web application.conf:4',
    );
    expect((await agent.fetch({ target: '/property/ktor.deployment.port' })).body).toBe(
      'web application.conf:4',
    );
    expect(agent.output).toMatch(/Not in effect: portico\.deployment\.port\./);
  });

  it('is in development mode only when the host says so', async () => {
    const agent = start({ config: { portico: { development: true } } });
    await agent.report('ready');
    expect((await agent.fetch({ target: '/development' })).body).toBe('false');
    expect(agent.output).toMatch(/Not in effect: portico\.development \(use portico dev\)\./);
    const developed = start({ config: {}, developmentMode: true });
    await developed.report('ready');
    expect((await developed.fetch({ target: '/development' })).body).toBe('true');
  });

  it('obeys the start timeout and the startup of its configuration', async () => {
    const late = start({
      config: { greeting: 'never', portico: { application: { startupTimeoutMillis: 50 } } },
    });
    expect(await late.report('failed')).toMatchObject({ code: 'PORTICO_START_TIMEOUT' });
    const wrong = start({ config: { ktor: { application: { startup: 'lazy' } } } });
    expect(await wrong.report('failed')).toMatchObject({
      code: 'PORTICO_STARTUP_INVALID',
      message: expect.stringContaining('lazy'),
    });
  });

  it('serves it with the path as the client sent it, when the prefix is kept', async () => {
    const agent = start({ prefix: 'keep' });
    expect((await agent.fetch({ target: '/test/hello/ann' })).body).toBe('hello ann');
  });

  it('raises its stop events before it ends', async () => {
    const agent = start();
    await agent.fetch();
    agent.send(WAIT_MS);
    expect(await agent.exited).toBe(0);
    expect(agent.output).toMatch(/started[\s\S]*stopped/);
  });

  it('loads nothing of HTTP: an idle application is small', async () => {
    const agent = start();
    expect((await agent.fetch({ target: '/has-http' })).body).toBe('false');
    const rollup = readFileSync(`/proc/${agent.child.pid}/smaps_rollup`, 'utf8');
    const privateKiB = [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce(
      (sum, [, kib]) => sum + Number(kib),
      0,
    );
    expect(privateKiB).toBeGreaterThan(0);
    expect(privateKiB).toBeLessThan(16 * 1024);
  });
});
