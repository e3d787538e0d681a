import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { until, Workbench } from '#test/support/deployer/workbench.js';

// Above the deadline of `until`, which says what it waited for.
jest.setTimeout(120_000);

const idle = (when: string) =>
  `portico: { servlet: { start: { when: ${when} }, idle: { stopAfter: 1s } } }\n`;
const SERVER = 'module.exports = (req, res) => res.end("hello");\n';

describe('an application that nobody uses', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await Workbench.make();
  });
  afterEach(() => bench.close());

  const deploy = async (when = 'eager') => {
    await bench.put({ 'shop/server.js': SERVER, 'shop.yaml': idle(when) });
    await bench.open();
  };

  it('is stopped although it started eagerly, and started by its next request', async () => {
    await deploy();
    expect(bench.routes.answer('/shop')).toBe('process');
    await until(() => bench.events('idle-stopped').length === 1);
    expect(bench.routes.answer('/shop')).toBe('lazy');
    expect(bench.status('shop')).toMatchObject({ state: 'stopped', instances: [] });
    await until(() => bench.launcher.alive.length === 0);
    bench.routes.want('/shop');
    await until(() => bench.events('woken').length === 1);
    expect(bench.events('woken')).toEqual(['shop']);
    expect(bench.launcher.launched).toHaveLength(2);
    // And again: what was woken is watched too.
    await until(() => bench.events('idle-stopped').length === 2);
  });

  it('goes from process to lazy without anything between, and its end waits for what is in flight', async () => {
    await deploy();
    const deployment = bench.routes.deploymentOf('/shop') ?? '';
    bench.routes.publish = (
      (publish) =>
      (...args) => {
        // A request that came while the fronts were told.
        bench.routes.inFlight.add(deployment);
        return publish.apply(bench.routes, args);
      }
    )(bench.routes.publish);
    await until(() => bench.events('idle-stopped').length === 1);
    expect(bench.routes.history.map(({ target }) => target?.kind).slice(-2)).toEqual([
      'process',
      'unavailable',
    ]);
    expect(bench.launcher.alive).toHaveLength(1);
    bench.routes.inFlight.clear();
    await until(() => bench.launcher.alive.length === 0);
  });

  it('is not idle while requests come, or while a tunnel is open', async () => {
    await deploy();
    const counts = { requests: 0, tunnels: 0 };
    bench.routes.counts.set(bench.routes.deploymentOf('/shop') ?? '', counts);
    const end = performance.now() + 2500;
    while (performance.now() < end) {
      counts.requests++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    counts.tunnels = 1;
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(bench.events('idle-stopped')).toEqual([]);
    counts.tunnels = 0;
    await until(() => bench.events('idle-stopped').length === 1);
  });

  it('serves new content when it comes, and can be started and stopped by hand', async () => {
    await deploy('lazy');
    expect(bench.launcher.launched).toHaveLength(0);
    bench.routes.want('/shop');
    await until(() => bench.events('idle-stopped').length === 1);
    expect(await bench.deployer.start('shop')).toMatchObject({ state: 'running' });
    await until(() => bench.events('idle-stopped').length === 2);
    expect(await bench.deployer.stop('shop')).toMatchObject({ reason: 'stopped by an operator' });
    bench.routes.want('/shop');
    expect(bench.routes.answer('/shop')).toBe('stopped');
  });
});
