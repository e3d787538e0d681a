import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DEPLOYMENTS_FILE } from '#host/deployer/history/deployment-journal.js';
import { DEPLOYMENT_STEPS, type DeploymentStep } from '#host/deployer/history/deployment-steps.js';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';
import { processesWith } from '#test/support/processes.js';

/**
 * Each step lasts long enough to be met: much to read and to copy, a module that loads slowly, a health check that blocks
 * the process after its answer, and a slow request to the version before.
 */
const bundle = (text: string) => ({
  'app.js': `
    const block = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };
    block(150);
    module.exports = (req, res) => {
      if (req.url === '/slow') { setTimeout(() => res.end('slow'), 2000); return; }
      if (req.url === '/health') { setTimeout(() => { res.end(); setImmediate(block, 200); }, 50); return; }
      res.end(${JSON.stringify(text)});
    };\n`,
  'application.yaml': 'portico: { application: { main: app.js }, servlet: { health: { path: /health } } }\n',
  'ballast.bin': text.padEnd(4_000_000, text),
});

const CONFIG = `
deployer: { stabilityWindow: 100ms, scanInterval: 200ms }
applications: { history: 2, probation: { window: 0s }, start: { timeout: 3s } }
`;

/** Nothing fails here. */
const STEPS = DEPLOYMENT_STEPS.filter((step) => step !== 'failed');

describe('a server killed in the middle of a rollout', () => {
  let base: string | undefined;
  let host: TestHost | undefined;

  afterEach(async () => {
    await host?.stop('SIGKILL');
    if (base !== undefined) rmSync(base, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    host = base = undefined;
  }, 60_000);

  /** How often the journal says that a deployment of the application came to this step. */
  const times = (step: DeploymentStep): number => {
    const file = join(base ?? '', 'work', DEPLOYMENTS_FILE);
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return text.split(`"step":"${step}"`).length - 1;
  };

  const killed = async (): Promise<void> => {
    await host?.end('SIGKILL');
    host = await TestHost.startOn(base ?? '');
  };

  /** Exactly one version answers, with as many processes as it has instances. */
  const expectOne = async (text: string, after: string): Promise<void> => {
    const answer = await host?.text('/shop/');
    expect(`${after}: ${answer}`).toBe(`${after}: ${text}`);
    const status = await host?.application('shop');
    expect(status).toMatchObject({ state: 'running', instances: [{ state: 'running' }] });
    const pid = status?.instances[0]?.pid ?? 0;
    await until(`one process is left after ${after}`, () => {
      const alive = processesWith(`PORTICO_INSTANCE=${join(base ?? '', 'run')}#`);
      return alive.length === 1 && alive[0] === pid;
    });
  };

  it('leaves one version that serves, whatever step it was at, and no process but those of it', async () => {
    host = await TestHost.start({ config: CONFIG, apps: { shop: bundle('version 0') } });
    ({ base } = host);
    expect(await host.text('/shop/')).toBe('version 0');
    for (const [index, step] of STEPS.entries()) {
      const text = `version ${index + 1}`;
      const before = times(step);
      // Its end is that of the server, in most rounds.
      host.get('/shop/slow').catch(() => undefined);
      host.drop('shop', bundle(text));
      await until(`a deployment is ${step}`, () => times(step) > before);
      await killed();
      await expectOne(text, step);
    }
  }, 300_000);

  it('keeps what it was rolled back to, and what served before content that does not start', async () => {
    host = await TestHost.start({ config: CONFIG, apps: { shop: bundle('good') } });
    ({ base } = host);
    host.drop('shop', bundle('newer'));
    await until('the newer one serves', async () => (await host?.text('/shop/')) === 'newer');
    const response = await host.admin('/v1/applications/shop/rollback', 'POST');
    expect(response.status).toBe(200);
    await killed();
    await expectOne('good', 'the rollback');
    const starting = times('starting');
    host.drop('shop', {
      ...bundle('hangs'),
      'app.js': 'module.exports = new Promise(() => setInterval(() => 0, 9999));',
    });
    await until('it starts', () => times('starting') > starting);
    await killed();
    await expectOne('good', 'a start that hangs');
    expect((await host.application('shop'))?.pendingFailure).toContain('does not get ready');
  }, 300_000);
});
