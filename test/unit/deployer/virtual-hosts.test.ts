import { afterEach, describe, expect, it } from '@jest/globals';
import type { VirtualHosts } from '#host/config/virtual-hosts.js';
import { until, Workbench } from '#test/support/deployer/workbench.js';

const virtualHosts: VirtualHosts = {
  hosts: [
    { name: 'shop.example', aliases: ['www.shop.example'] },
    { name: 'blog.example', aliases: [] },
    { name: 'main.example', aliases: [] },
  ],
  defaultHost: 'main.example',
  unknownHost: 404,
};

const page = (text: string) => ({ 'index.html': text });
const on = (host: string, context = '/') =>
  `portico: { servlet: { host: ${JSON.stringify(host)}, context: ${context} } }\n`;

/** A folder with a page, and its descriptor. */
function application(name: string, host: string | undefined, context = '/'): Record<string, string> {
  const files: Record<string, string> = { [`${name}/index.html`]: page(name)['index.html'] };
  if (host !== undefined) files[`${name}.yaml`] = on(host, context);
  return files;
}

describe('virtual hosts in the deployer', () => {
  let bench: Workbench;
  afterEach(() => bench.close());

  it('mounts one path on several hosts, and names each place', async () => {
    bench = await Workbench.make({ virtualHosts });
    await bench.put({
      ...application('ROOT', undefined),
      ...application('shop', 'Shop.Example.'),
      ...application('blog', 'blog.example', '/x'),
      ...application('main', 'main.example', '/x'),
      ...application('all', '*', '/x'),
    });
    await bench.quiet();
    await bench.open();
    const routes = [...bench.routes.routes.values()].map(({ context, host, path, application: name }) => [
      name,
      context,
      host,
      path,
    ]);
    expect(routes.sort()).toEqual([
      ['ROOT', '', undefined, ''],
      ['all', '*/x', '*', '/x'],
      ['blog', 'blog.example/x', 'blog.example', '/x'],
      ['main', '/x', undefined, '/x'],
      ['shop', 'shop.example/', 'shop.example', ''],
    ]);
    expect(bench.deployer.list().map(({ name, host, path }) => [name, host, path])).toEqual([
      ['ROOT', 'main.example', '/'],
      ['all', '*', '/x'],
      ['blog', 'blog.example', '/x'],
      ['main', 'main.example', '/x'],
      ['shop', 'shop.example', '/'],
    ]);
    for (const [asked, name] of [
      ['/', 'ROOT'],
      ['/x', 'main'],
      ['main.example/x', 'main'],
      ['blog.example/x', 'blog'],
      ['*/x', 'all'],
      ['shop.example/', 'shop'],
      ['shop.example', 'shop'],
      ['shop', 'shop'],
    ] as const)
      expect([asked, bench.deployer.find(asked)?.name]).toEqual([asked, name]);
    expect(bench.deployer.find('shop.example/x')).toBeUndefined();
  });

  it('refuses the second bundle that wants a path of a host', async () => {
    bench = await Workbench.make({ virtualHosts });
    await bench.put(application('b', 'shop.example', '/x'));
    await bench.quiet();
    await bench.open();
    await bench.put(application('a', 'shop.example', '/x'));
    await until(() => bench.logged('PORTICO_CONTEXT_TAKEN').length > 0);
    expect(bench.logged('PORTICO_CONTEXT_TAKEN')).toEqual([
      expect.stringMatching(/"a": shop\.example\/x is held by b/),
    ]);
    expect(bench.deployer.find('shop.example/x')?.name).toBe('b');
  });

  it('fails an application whose host is unknown, without a place of anybody, until it is corrected', async () => {
    bench = await Workbench.make({ virtualHosts });
    // First by name: were its place that of the default host, it would have it.
    await bench.put({ ...application('A', 'shp.example'), ...application('ROOT', undefined) });
    await bench.quiet();
    await bench.open();
    expect(bench.routes.answer('')).toBe('static');
    const status = bench.status('A');
    expect(status).toMatchObject({ state: 'failed', host: 'shp.example', path: '/' });
    expect(status?.reason).toMatch(
      /A\.yaml:1:\d+: portico\.servlet\.host: there is no virtual host "shp\.example"/,
    );
    expect(status?.reason).toMatch(/did you mean shop\.example/);
    await bench.put({ 'A.yaml': on('shop.example') });
    await until(() => bench.routes.answer('shop.example/') === 'static');
    expect(bench.status('A')).toMatchObject({ state: 'running', host: 'shop.example' });
    await until(() => bench.routes.answer('shp.example/') === 'none');
  });

  it('lets a running application be when its descriptor names an unknown host', async () => {
    bench = await Workbench.make({ virtualHosts });
    await bench.put(application('shop', 'shop.example'));
    await bench.quiet();
    await bench.open();
    await bench.put({ 'shop.yaml': on('www.shop.example') });
    await until(() => bench.status('shop')?.pendingFailure !== undefined);
    expect(bench.status('shop')?.pendingFailure).toMatch(/it is an alias of shop\.example; write that name/);
    expect(bench.routes.answer('shop.example/')).toBe('static');
  });

  it('takes an application whose host has been added to host.yaml, after a restart', async () => {
    bench = await Workbench.make();
    await bench.put(application('shop', 'shop.example'));
    await bench.quiet();
    await bench.open();
    expect(bench.status('shop')?.reason).toMatch(/host\.yaml has no hosts/);
    expect(bench.routes.answer('')).toBe('none');
    await bench.kill();
    bench.set({ virtualHosts });
    await bench.open();
    expect(bench.routes.answer('shop.example/')).toBe('static');
  });

  it('moves an application to another host without a gap', async () => {
    bench = await Workbench.make({ virtualHosts });
    await bench.put(application('shop', 'shop.example'));
    await bench.quiet();
    await bench.open();
    await bench.put({ 'shop.yaml': on('blog.example') });
    await until(() => bench.routes.answer('shop.example/') === 'none');
    expect(bench.routes.answer('blog.example/')).toBe('static');
    const steps = bench.routes.history.map(({ context, target }) => `${context} ${target?.kind ?? 'gone'}`);
    const arrived = steps.lastIndexOf('blog.example/ static');
    expect(arrived).toBeGreaterThan(0);
    expect(steps.indexOf('shop.example/ gone')).toBeGreaterThan(arrived);
    expect(bench.status('shop')).toMatchObject({ host: 'blog.example', path: '/', state: 'running' });
  });

  it('has one host for every name when none are configured', async () => {
    bench = await Workbench.make();
    await bench.put(application('all', '*', '/x'));
    await bench.quiet();
    await bench.open();
    expect(bench.routes.answer('/x')).toBe('static');
    expect(bench.status('all')).toMatchObject({ state: 'running', path: '/x' });
    expect(bench.status('all')).not.toHaveProperty('host');
  });

  it('keeps a host that is none from being the place of somebody else', async () => {
    bench = await Workbench.make({ virtualHosts });
    await bench.put({
      ...application('a', 'shop.example/x', '/y'),
      ...application('b', 'shop.example', '/x/y'),
    });
    await bench.quiet();
    await bench.open();
    expect(bench.status('a')).toMatchObject({ state: 'failed' });
    expect(bench.routes.answer('shop.example/x/y')).toBe('static');
  });
});
