import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { until, Workbench } from '#test/support/deployer/workbench.js';

// Above the deadline of `until`, which says what it waited for.
jest.setTimeout(120_000);

describe('old versions of a place', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await Workbench.make();
    await bench.open();
  });
  afterEach(() => bench.close());

  const put = (version: number, servlet: string) =>
    bench.put({
      [`shop##${version}/server.js`]: `module.exports = (req, res) => res.end("${version}");\n`,
      [`shop##${version}/application.yaml`]: `portico: { servlet: ${servlet} }\n`,
    });
  const live = (version: number) => bench.status(`shop##${version}`)?.live;
  const deploymentOf = (version: number): string =>
    bench.launcher.alive.find(({ spec }) => spec.version === String(version))?.deployment ?? '';
  /** Brings the versions to serve one after the other; each has something in flight that does not end. */
  const deploy = async (from: number, to: number, servlet = '{}'): Promise<void> => {
    for (let version = from; version <= to; version++) {
      await put(version, servlet);
      await until(() => bench.routes.deploymentOf('/shop')?.startsWith(`shop##${version}@`) === true);
      bench.routes.inFlight.add(deploymentOf(version));
    }
  };
  const retired = () =>
    bench.lines.filter(({ fields }) => fields['event'] === 'version-retired').map(({ message }) => message);
  const letAllEnd = () => bench.routes.inFlight.clear();

  it('are four at most: the oldest makes room', async () => {
    await deploy(1, 6);
    await until(() => retired().length === 1);
    expect(retired()).toEqual([expect.stringMatching(/^shop##1: .*more than 4 old versions are live/)]);
    for (const version of [2, 3, 4, 5]) expect(live(version)).toMatchObject({ role: 'old' });
    letAllEnd();
  });

  it('make no room with the one that is to serve again if the newest fails', async () => {
    const probation = '{ probation: { window: 10m, minRequests: 5, maxErrorRate: 10% } }';
    await deploy(1, 6, probation);
    await until(() => retired().length === 1);
    expect(retired()).toEqual([expect.stringMatching(/^shop##2: /)]);
    expect(live(1)?.why).toBe('what has replaced it is on probation');
    // Those between have not proved themselves either: each gets its turn, and is watched.
    for (const version of [6, 5]) {
      const failing = deploymentOf(version);
      await until(() => bench.routes.deploymentOf('/shop') === failing);
      bench.routes.counts.set(failing, { requests: 100, errors: 90 });
      await until(() => bench.status(`shop##${version}`)?.state === 'failed');
    }
    await until(() => bench.routes.deploymentOf('/shop') === deploymentOf(4));
    expect(bench.status('shop##5')?.reason).toContain('90 %');
    expect(live(1)?.why).toBe('what has replaced it is on probation');
    letAllEnd();
  });

  it('end at their greatest age, whoever uses them', async () => {
    await deploy(1, 2, '{ versions: { maxAge: 1s }, drain: { timeout: 0s } }');
    await until(() => retired().length === 1);
    expect(retired()).toEqual([expect.stringMatching(/^shop##1: .*live beside a newer one for 1s/)]);
    await until(() => bench.status('shop##1')?.state === 'stopped');
    expect(bench.status('shop##2')?.state).toBe('running');
    letAllEnd();
  });

  it('that failed on probation are not tried again after a restart, until they are other or it is asked for', async () => {
    const probation = '{ probation: { window: 10m, minRequests: 5, maxErrorRate: 10% } }';
    await deploy(1, 2, probation);
    bench.routes.counts.set(deploymentOf(2), { requests: 100, errors: 90 });
    await until(() => bench.status('shop##2')?.state === 'failed');
    letAllEnd();
    for (let restart = 0; restart < 2; restart++) {
      await bench.kill();
      await bench.open();
      expect(bench.routes.deploymentOf('/shop')).toBe(deploymentOf(1));
      expect(bench.status('shop##2')).toMatchObject({
        state: 'failed',
        reason: 'it failed on probation; start it by hand, or bring other content',
      });
    }
    await bench.deployer.start('shop##2');
    await bench.kill();
    await bench.open();
    expect(bench.routes.deploymentOf('/shop')).toBe(deploymentOf(2));
  });
});
