import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { obeyingFileModes } from '#test/support/file-modes.js';
import { makeBase, TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const says = (answer: string) => ({
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `export default (q, r) => r.end('${answer}');`,
});
const PATIENCE_MS = 60_000;

describe('a drop folder', () => {
  const hosts: TestHost[] = [];
  const startOn = async (base: string, through: readonly string[] = []) => {
    const host = await TestHost.startOn(base, {}, through);
    hosts.push(host);
    return host;
  };
  afterEach(async () => {
    for (const host of hosts.splice(0)) {
      if (existsSync(join(host.base, 'apps'))) chmodSync(join(host.base, 'apps'), 0o755);
      await host.stop();
    }
  });

  it('with bundles that cannot be read keeps their paths, until they are removed or corrected', async () => {
    const base = makeBase({ apps: { ROOT: says('root'), calm: says('calm'), locked: says('locked') } });
    const apps = join(base, 'apps');
    chmodSync(join(apps, 'locked'), 0o000);
    symlinkSync('../releases/link', join(apps, 'link'));
    const host = await startOn(base, obeyingFileModes());
    host.dropFile('elsewhere.yaml', 'portico: { bundle: ../releases/elsewhere }\n');
    host.drop('context', says('context'));
    host.dropFile('context.yaml', 'portico: { servlet: { context: /../x } }\n');
    const reasons = [
      ['locked', /^read: .*apps\/locked cannot be read: .*EACCES.*; give the user of the host the right/],
      [
        'link',
        /^read: .*apps\/link is a link to \.\.\/releases\/link, which is not there; .*correct the link/,
      ],
      [
        'elsewhere',
        /^read: .*releases\/elsewhere, where .*elsewhere\.yaml says .* is not there; put the bundle/,
      ],
      ['context', /context\.yaml.*\/\.\.\/x/],
    ] as const;
    for (const [name, reason] of reasons) {
      const status = await host.untilApplication(
        name,
        ({ reason }) => reason?.startsWith('read: ') === true,
        PATIENCE_MS,
      );
      expect(status).toMatchObject({ state: 'failed', reason: expect.stringMatching(reason) });
      await until(
        `${name} answers 503`,
        async () => ((await host.get(`/${name}/`)).status === 503 ? true : undefined),
        PATIENCE_MS,
      );
      expect((await host.get(`/${name}/deeper`)).headers.get('retry-after')).toMatch(/^\d+$/);
    }
    expect([await host.text('/calm/'), await host.text('/')]).toEqual(['calm', 'root']);

    chmodSync(join(apps, 'locked'), 0o755);
    mkdirSync(join(base, 'releases'));
    for (const name of ['link', 'elsewhere']) {
      host.drop(`../releases/${name}`, says(name));
    }
    rmSync(join(apps, 'context.yaml'));
    for (const [name] of reasons) {
      await host.untilApplication(name, ({ state }) => state === 'running', PATIENCE_MS);
      expect(await host.text(`/${name}/`)).toBe(name);
    }

    symlinkSync('../nowhere', join(apps, 'gone'));
    await until(
      'gone answers 503',
      async () => ((await host.get('/gone/')).status === 503 ? true : undefined),
      PATIENCE_MS,
    );
    rmSync(join(apps, 'gone'));
    await until(
      'its path is free',
      async () => ((await host.text('/gone/')) === 'root' ? true : undefined),
      PATIENCE_MS,
    );
  }, 240_000);

  it('that is read-only: undeploy says so and what to do, the rest goes on', async () => {
    const base = makeBase({ apps: { calm: says('calm'), stays: says('stays') } });
    const apps = join(base, 'apps');
    chmodSync(apps, 0o555);
    const host = await startOn(base, obeyingFileModes());
    const refused = await host.admin('/v1/applications/stays', 'DELETE');
    expect(refused.status).toBe(409);
    const problem = JSON.stringify(await refused.json());
    expect(problem).toContain('PORTICO_NOT_REMOVABLE');
    expect(problem).toContain(join(apps, 'stays'));
    expect(problem).toMatch(/[Dd]elete/);
    expect(existsSync(join(apps, 'stays'))).toBe(true);
    const reloaded = await host.admin('/v1/applications/calm/reload', 'POST');
    expect(reloaded.status).toBe(200);
    expect(await host.text('/calm/')).toBe('calm');
    expect((await host.get('/stays/')).status).toBe(404);
    chmodSync(apps, 0o755);
    host.drop('later', says('later'));
    await host.untilApplication('later', ({ state }) => state === 'running', PATIENCE_MS);
    expect(await host.text('/calm/')).toBe('calm');
  }, 120_000);

  it('that is missing at the start is reported and waited for; when it vanishes later all go on', async () => {
    const base = makeBase({});
    rmSync(join(base, 'apps'), { recursive: true });
    const host = await startOn(base);
    await until(
      'it is reported',
      () => (host.log.includes('PORTICO_APPS_UNREADABLE') ? true : undefined),
      PATIENCE_MS,
    );
    expect((await host.get('/calm/')).status).toBe(404);
    host.drop('calm', says('calm'));
    await host.untilApplication('calm', ({ state }) => state === 'running', PATIENCE_MS);
    renameSync(join(base, 'apps'), join(base, 'away'));
    await until(
      'the loss is reported',
      () => (host.log.split('PORTICO_APPS_UNREADABLE').length > 2 ? true : undefined),
      PATIENCE_MS,
    );
    expect(await host.text('/calm/')).toBe('calm');
    renameSync(join(base, 'away'), join(base, 'apps'));
    host.drop('later', says('later'));
    await host.untilApplication('later', ({ state }) => state === 'running', PATIENCE_MS);
    expect(await host.text('/calm/')).toBe('calm');
  }, 180_000);
});
