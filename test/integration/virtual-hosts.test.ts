import { execFileSync, spawnSync } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { TestFront } from '#test/support/front.js';
import { makeBase, TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';
import { headerOf, RawClient, type RawResponse } from '#test/support/raw-client.js';

const QUICK = 'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\n';
const HOSTS = `hosts:
  - name: shop.example
    aliases: [www.shop.example, "*.shop.example", "[::1]"]
  - name: blog.example
    aliases: ["*.eu.shop.example"]
  - name: main.example
`;

const site = (text: string) => ({ 'index.html': text, 'sub/index.html': `${text} sub` });
const on = (host: string, context = '/', more = '') => ({
  '': `portico:\n  servlet: { host: ${JSON.stringify(host)}, context: ${context}${more} }\n`,
});
/** Tells which process it is, and sends redirects and cookies without its context path. */
const server = (text: string) => ({
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `export default (req, res) => {
  if (req.url === '/to') res.writeHead(302, { location: 'http://' + req.headers.host + '/next', 'set-cookie': 'a=b; Path=/' }).end();
  else res.end('${text} ' + req.headers.host + ' ' + req.url + ' ' + (process.env.PORTICO_CONTEXT_PATH || '/'));
};`,
});

let host: TestHost;
let client: RawClient | undefined;

/** One request on a connection of its own; undefined: closed without an answer. */
async function ask(
  name: string | undefined,
  path: string,
  line = `GET ${path}`,
): Promise<RawResponse | undefined> {
  client?.destroy();
  client = await RawClient.open(host.port);
  const version = name === undefined ? 'HTTP/1.0\r\n' : `HTTP/1.1\r\nHost: ${name}\r\n`;
  client.send(`${line} ${version}Connection: close\r\n\r\n`);
  return client.response();
}

async function textOf(name: string | undefined, path: string): Promise<string> {
  const response = await ask(name, path);
  if (response === undefined) return 'closed';
  return response.status === 200 ? response.body.toString().trim() : String(response.status);
}

afterEach(() => client?.destroy());

describe('virtual hosts', () => {
  beforeAll(async () => {
    host = await TestHost.start({
      config: `${QUICK}${HOSTS}accessLog: { format: json }\n`,
      apps: {
        ROOT: site('default'),
        shop: site('shop'),
        'shop.yaml': on('Shop.example'),
        blog: site('blog'),
        'blog.yaml': on('blog.example'),
        status: site('status'),
        'status.yaml': on('*', '/status'),
        'blog-status': site('blog status'),
        'blog-status.yaml': on('blog.example', '/status'),
        cart: server('cart'),
        'cart.yaml': on('shop.example', '/cart'),
        lazy: server('lazy'),
        'lazy.yaml': on('blog.example', '/cart', ', start: { when: lazy }'),
        manual: server('manual'),
        'manual.yaml': on('blog.example', '/manual', ', start: { when: manual }'),
        lost: site('lost'),
        'lost.yaml': on('shp.example'),
        twin: site('twin'),
        'twin.yaml': on('shop.example'),
      },
    });
  }, 90_000);
  afterAll(() => host.stop());

  it.each([
    ['shop.example', '/', 'shop'],
    ['SHOP.Example.:8080', '/', 'shop'],
    ['www.shop.example', '/', 'shop'],
    ['a.b.shop.example', '/', 'shop'],
    ['[::1]:80', '/', 'shop'],
    ['[0::1]', '/', 'shop'],
    ['x.eu.shop.example', '/', 'blog'],
    ['eu.shop.example', '/', 'shop'],
    ['blog.example', '/sub/', 'blog sub'],
    ['main.example', '/', '404'],
    ['main.example', '/status/', 'status'],
    ['nobody.example', '/', 'default'],
    ['127.0.0.1', '/', 'default'],
    [undefined, '/', 'default'],
    ['shop.example', '/status/', 'status'],
    ['blog.example', '/status/', 'blog status'],
    ['nobody.example', '/status/', 'status'],
    ['shop.example', '/cart/x', 'cart shop.example /x /cart'],
    ['www.shop.example:81', '/cart/', 'cart www.shop.example:81 / /cart'],
    ['nobody.example', '/cart', '404'],
    ['blog.example', '/cart/x', 'lazy blog.example /x /cart'],
    ['shp.example', '/', 'default'],
  ])('answers %s%s with %s', async (name, path, text) => {
    expect(await textOf(name, path)).toBe(text);
  });

  it('lets an absolute target speak for the host', async () => {
    const response = await ask('blog.example', '', 'GET http://Blog.example/');
    expect(response?.body.toString()).toBe('blog');
    expect((await ask('shop.example', '', 'GET http://blog.example/'))?.status).toBe(400);
    expect((await ask('blog.example', '', 'OPTIONS *'))?.status).toBe(204);
  });

  it('puts the context path back under whatever name the client used', async () => {
    const response = await ask('www.shop.example:81', '/cart/to');
    expect(response && headerOf(response, 'location')).toBe('http://www.shop.example:81/cart/next');
    expect(response && headerOf(response, 'set-cookie')).toBe('a=b; Path=/cart');
    const folder = await ask('blog.example', '/sub');
    expect(folder && headerOf(folder, 'location')).toBe('/sub/');
  });

  it('keeps the path of an application that does not run on its own host alone', async () => {
    expect((await ask('blog.example', '/manual/x'))?.status).toBe(503);
    expect(await textOf('shop.example', '/manual/x')).toBe('404');
  });

  it('shows the host wherever applications are listed, and takes it in the name of one', async () => {
    const seen = (await host.applications()).map(
      (one) => `${one.name} ${one.host ?? '-'} ${one.path} ${one.state}`,
    );
    expect(seen).toEqual(
      [
        'ROOT - / running',
        'blog blog.example / running',
        'blog-status blog.example /status running',
        'cart shop.example /cart running',
        'lazy blog.example /cart running',
        'lost shp.example / failed',
        'manual blog.example /manual stopped',
        'twin shop.example / failed',
        'shop shop.example / running',
        'status * /status running',
      ].sort(),
    );
    const lost = await host.application('lost');
    expect(lost?.reason).toMatch(
      /lost\.yaml:2:\d+: portico\.servlet\.host: there is no virtual host "shp\.example"/,
    );
    const taken = await host.application('twin');
    expect(taken?.reason).toMatch(/shop\.example\/ is held by shop/);
    const one = await host.admin(`/v1/applications/${encodeURIComponent('shop.example/cart')}`);
    expect(((await one.json()) as { application: { name: string } }).application.name).toBe('cart');
    const cli = join(repositoryFolder, 'dist/host/cli/main.js');
    const wrong = spawnSync(process.execPath, [cli, 'validate', '--base', host.base], { encoding: 'utf8' });
    expect(wrong.stdout).toMatch(/^ok {4}"cart": main at shop\.example\/cart/m);
    expect(wrong.stdout).toMatch(
      /^wrong "lost": .*lost\.yaml:2:\d+: portico\.servlet\.host: there is no virtual host/m,
    );
    expect(wrong.stdout).toMatch(/^wrong "twin": shop\.example\/ is taken by shop/m);
    const table = execFileSync(process.execPath, [cli, 'list', '--base', host.base], { encoding: 'utf8' });
    expect(table).toMatch(/^HOST +PATH +NAME/);
    expect(table).toMatch(/^shop\.example +\/cart +cart +running/m);
  });

  it('counts and logs by host and path', async () => {
    await ask('shop.example', '/cart/counted');
    const line = (await host.logFile('access.log', /cart\/counted/))
      .split('\n')
      .find((each) => each.includes('counted'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      host: 'shop.example',
      context: 'shop.example/cart',
      application: 'cart',
    });
    const metrics = await (await host.admin('/metrics')).text();
    expect(metrics).toMatch(
      /portico_requests_total\{application="cart",context="shop\.example\/cart",class="2xx"\} \d+/,
    );
    expect(metrics).toMatch(/context="shop\.example\/"/);
    expect(metrics).toMatch(/application="ROOT",context="\/"/);
  });

  it('moves an application to another host, without a request that is not answered', async () => {
    host.drop('mover', server('mover'));
    host.dropFile('mover.yaml', on('shop.example', '/mover')['']);
    await until(
      'it is there',
      async () => (await textOf('shop.example', '/mover/')).startsWith('mover') || undefined,
    );
    const answers = new Set<string>();
    let isMoved = false;
    const load = (async () => {
      while (!isMoved) {
        // On the old host, or once it is leaving there (503, then 404), on the new one.
        const old = await fetchAs('shop.example', '/mover/');
        const status = old !== 200 ? await fetchAs('main.example', '/mover/') : old;
        answers.add(String(status));
      }
    })();
    host.dropFile('mover.yaml', on('main.example', '/mover')['']);
    await until('it has moved', async () => (await fetchAs('shop.example', '/mover/')) === 404 || undefined);
    isMoved = true;
    await load;
    expect([...answers]).toEqual(['200']);
    expect(await host.application('mover')).toMatchObject({ host: 'main.example', state: 'running' });
  });

  it('takes a new version of an application without a request that is not answered', async () => {
    const statuses = new Set<number>();
    let isOver = false;
    const load = (async () => {
      while (!isOver) statuses.add(await fetchAs('shop.example', '/cart/'));
    })();
    host.drop('cart', server('trolley'));
    await until(
      'the new one answers',
      async () => (await textOf('shop.example', '/cart/')).startsWith('trolley') || undefined,
    );
    isOver = true;
    await load;
    expect([...statuses]).toEqual([200]);
  });

  async function fetchAs(name: string, path: string): Promise<number> {
    const own = await RawClient.open(host.port);
    own.send(`GET ${path} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
    const response = await own.response();
    own.destroy();
    return response?.status ?? 0;
  }
});

describe('a name that no host has', () => {
  afterEach(() => host.stop());

  it.each([
    ['default', 'main'],
    ['404', '404'],
    ['421', '421'],
    ['close', 'closed'],
  ])('is answered by the policy %s', async (policy, answer) => {
    host = await TestHost.start({
      config: `${QUICK}${HOSTS}defaultHost: main.example\nunknownHost: ${policy}\n`,
      apps: { main: site('main'), 'main.yaml': { '': 'portico: { servlet: { context: / } }\n' } },
    });
    expect(await textOf('nobody.example', '/')).toBe(answer);
    expect(await textOf('127.0.0.1', '/nowhere')).toBe(answer === 'main' ? '404' : answer);
    expect(await textOf('main.example', '/')).toBe('main');
    expect(await textOf(undefined, '/')).toBe('main');
    expect(await textOf('shop.example', '/')).toBe('404');
    const metrics = await (await host.admin('/metrics')).text();
    const refused = /portico_refused_total\{reason="unknown-host"\} (\d+)/.exec(metrics)?.[1];
    expect(refused).toBe(policy === 'default' ? undefined : '2');
  });
});

describe('a front with a thousand hosts', () => {
  it('finds the context of each, and counts by host and path', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `host-${i}.example`);
    const base = makeBase({
      apps: Object.fromEntries(['0', '500', '999'].map((i) => [i, site(`site ${i}`)])),
    });
    const front = await TestFront.start({
      virtualHosts: {
        hosts: names.map((name) => ({ name, aliases: [`*.${name}`] })),
        defaultHost: undefined,
        unknownHost: 'default',
      },
    });
    try {
      await front.route(
        names.map((name, i) => ({
          context: `${name}/`,
          host: name,
          path: '',
          application: `site-${i}`,
          version: '',
          target: { kind: 'static', deployment: `site-${i}`, folder: join(base, 'apps', String(i)) },
          maxBodyBytes: 0,
        })),
      );
      client = await RawClient.open(front.port);
      for (const [name, text] of [
        ['host-0.example', 'site 0'],
        ['a.host-500.example', 'site 500'],
        ['HOST-999.example.:8080', 'site 999'],
        ['host-1000.example', undefined],
      ] as const) {
        client.send(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
        const response = await client.response();
        expect([name, response?.status === 200 ? response.body.toString() : undefined]).toEqual([name, text]);
      }
      // One context leaves; the others stay where they are.
      await front.route([], ['host-0.example/']);
      client.send('GET / HTTP/1.1\r\nHost: host-0.example\r\n\r\n');
      expect((await client.response())?.status).toBe(404);
      client.send('GET / HTTP/1.1\r\nHost: host-999.example\r\n\r\n');
      expect((await client.response())?.status).toBe(200);
    } finally {
      await front.stop();
      rmSync(base, { recursive: true, force: true });
    }
  });
});

describe('an application whose host is not in host.yaml', () => {
  afterEach(() => host.stop());

  it('fails alone, and works after host.yaml is corrected', async () => {
    const base = makeBase({
      config: QUICK,
      apps: { A: site('a'), 'A.yaml': on('shop.example'), ROOT: site('root') },
    });
    host = await TestHost.startOn(base);
    expect(await textOf('shop.example', '/')).toBe('root');
    expect((await host.application('A'))?.reason).toMatch(/host\.yaml has no hosts/);
    await host.end();
    writeFileSync(join(base, 'host.yaml.new'), `${QUICK}${HOSTS}`);
    renameSync(join(base, 'host.yaml.new'), join(base, 'host.yaml'));
    host = await TestHost.startOn(base);
    expect(await textOf('shop.example', '/')).toBe('a');
    expect(await textOf('nobody.example', '/')).toBe('root');
  });
});
