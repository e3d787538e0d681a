import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { until, Workbench } from '#test/support/deployer/workbench.js';

// Above the deadline of `until`, which says what it waited for.
jest.setTimeout(120_000);

const PROBATION = 'probation: { window: 10m, minRequests: 5, maxErrorRate: 10% }';

describe('going back', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await Workbench.make();
    await bench.open();
  });
  afterEach(() => bench.close());

  const content = (text: string, servlet = `history: 2, ${PROBATION}`) => ({
    'shop/server.js': `module.exports = (req, res) => res.end("${text}");\n`,
    'shop/application.yaml': `portico: { servlet: { ${servlet} } }\n`,
  });
  const serving = (): string => bench.routes.deploymentOf('/shop') ?? '';
  /** Puts content, and waits until it serves. */
  const deploy = async (files: Readonly<Record<string, string>>): Promise<string> => {
    const before = serving();
    await bench.put(files);
    await until(() => serving() !== before && serving() !== '');
    return serving();
  };
  const failOnProbation = async (files: Readonly<Record<string, string>>): Promise<void> => {
    const bad = await deploy(files);
    bench.routes.counts.set(bad, { requests: 100, errors: 90 });
    await until(
      () => serving() !== bad && bench.status('shop')?.pendingFailure?.startsWith('probation') === true,
    );
  };

  it('from a row of contents that failed on probation ends at the one that works', async () => {
    const good = await deploy(content('good'));
    for (const text of ['bad 1', 'bad 2', 'bad 3']) {
      await failOnProbation(content(text));
      expect(serving()).toBe(good);
    }
    await deploy(content('better'));
    await bench.deployer.rollback('shop');
    expect(serving().split('-')[0]).toBe(good.split('-')[0]);
    const [now, , ...bad] = bench.deployer.deployments('shop') ?? [];
    expect(now).toMatchObject({ trigger: 'rollback', isPinned: true });
    expect(bad.filter(({ cause }) => cause?.startsWith('probation: 90 %'))).toHaveLength(3);
  });

  it('starts an application of the framework anew, since it has heard that it is to end', async () => {
    const old = await deploy({ ...content('good'), 'shop/behaviour': 'framework' });
    await failOnProbation(content('bad'));
    await until(() => serving() !== old && serving().split('-')[0] === old.split('-')[0]);
    // Nothing is kept warm for a content that has come back.
    await until(() => bench.launcher.alive.length === 1);
    expect(bench.launcher.alive[0]?.deployment).toBe(serving());
    expect(bench.deployer.deployments('shop')?.[0]).toMatchObject({ trigger: 'return' });
  });

  it('takes the descriptor of that time along, over a restart too', async () => {
    await bench.put(content('shop', 'history: 5'));
    const describeAs = (text: string) =>
      writeFile(join(bench.apps, 'shop.yaml'), `portico: { servlet: { env: { WHICH: ${text} } } }\n`);
    const which = () =>
      bench.launcher.launched.find(({ deployment }) => deployment === serving())?.spec.manifest.settings.env[
        'WHICH'
      ];
    for (const text of ['one', 'two', 'three']) {
      await describeAs(text);
      await until(() => which() === text);
    }
    await bench.deployer.rollback('shop');
    expect(which()).toBe('two');
    await bench.kill();
    await bench.open();
    expect(which()).toBe('two');
    await bench.deployer.rollback('shop');
    expect(which()).toBe('one');
    await describeAs('four');
    await until(() => which() === 'four');
  });
});
