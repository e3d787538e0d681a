import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import { headerOf, RawClient, type RawResponse } from '#test/support/raw-client.js';

const site = (text: string) => ({ 'index.html': text });
/** Of the operator: a file beside the bundle. */
const on = (name: string, context: string) => ({
  '': `portico: { servlet: { host: ${name}, context: ${context} } }\n`,
});
const HOSTS = `hosts:
  - { name: main.example }
  - { name: shop.example, aliases: [www.shop.example] }
defaultHost: main.example
`;
const QUICK = 'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\n';

let host: TestHost;
beforeAll(async () => {
  host = await TestHost.start({
    apps: {
      app: {
        'package.json': '{ "main": "app.js" }',
        'app.js': "module.exports = (_, response) => response.end('served');",
      },
      root: site('shop'),
      'root.yaml': on('shop.example', '/'),
      cart: site('cart'),
      'cart.yaml': on('shop.example', '/cart'),
    },
    config: QUICK + HOSTS,
  });
});
afterAll(async () => {
  await host.stop();
});

/** One request on a connection of its own; `line` instead of a GET of the path. */
async function ask(name: string, path: string, more = '', line = `GET ${path}`): Promise<RawResponse> {
  const client = await RawClient.open(host.port);
  client.send(`${line} HTTP/1.1\r\nHost: ${name}\r\n${more}\r\n`);
  const response = await client.response(line.split(' ')[0]);
  client.destroy();
  if (response === undefined) throw new Error('no answer');
  return response;
}
const textOf = async (name: string, path: string): Promise<string> => {
  const { status, body } = await ask(name, path);
  return status === 200 ? body.toString() : String(status);
};
const change = async (path: string, method = 'POST'): Promise<number> =>
  (await host.admin(path, method)).status;
const codeOf = async (path: string, method: string): Promise<string> =>
  ((await (await host.admin(path, method)).json()) as { error: { code: string } }).error.code;
const closed = async (): Promise<object[]> =>
  ((await (await host.admin('/v1/maintenance')).json()) as { maintenance: object[] }).maintenance;
const ready = async () => {
  const response = await host.admin('/health/ready');
  return [response.status, ((await response.json()) as { maintenance: boolean }).maintenance];
};
const portico = (...args: string[]): string =>
  execFileSync(
    process.execPath,
    [join(repositoryFolder, 'dist/host/cli/main.js'), ...args, '--base', host.base],
    {
      encoding: 'utf8',
    },
  );

describe('an application that is closed for maintenance', () => {
  const at = '/v1/applications/app/maintenance';

  it('answers with the page of the operator, stays healthy, and opens again', async () => {
    const file = join(host.base, 'page.html');
    writeFileSync(file, '<h1>Back at noon</h1>');
    const query = new URLSearchParams({ file, retryAfter: '600' });
    expect(await change(`${at}?${query}`)).toBe(204);
    const page = await ask('main.example', '/app/', 'Accept: text/html\r\n');
    expect([page.status, headerOf(page, 'retry-after'), page.body.toString()]).toEqual([
      503,
      '600',
      '<h1>Back at noon</h1>',
    ]);
    expect((await ask('main.example', '/app/', 'Accept: application/json\r\n')).body.toString()).toMatch(
      /being maintained/,
    );
    expect(await ready()).toEqual([200, false]);
    expect(await closed()).toMatchObject([
      { scope: 'application', by: 'operator', path: '/app', retryAfterSeconds: 600, hasPage: true },
    ]);
    expect(await host.application('app')).toMatchObject({ state: 'running', maintenance: 'application' });
    expect(portico('list')).toMatch(/\/app +app +running, maintenance/);
    expect(await change(at, 'DELETE')).toBe(204);
    expect(await textOf('main.example', '/app/')).toBe('served');
  });

  it('is the one at the root of a virtual host, and no other', async () => {
    expect(await change('/v1/applications/root/maintenance')).toBe(204);
    expect(await Promise.all([textOf('shop.example', '/'), textOf('shop.example', '/cart/')])).toEqual([
      '503',
      'cart',
    ]);
    expect(await textOf('main.example', '/')).toBe('404');
    expect(await closed()).toMatchObject([{ scope: 'application', path: 'shop.example/' }]);
    expect(await change('/v1/applications/root/maintenance', 'DELETE')).toBe(204);
    expect(await textOf('shop.example', '/')).toBe('shop');
  });

  it('stays closed at its path when it is replaced by another, and can be opened when it has gone', async () => {
    host.drop('brief', { 'index.html': 'brief' });
    await host.untilApplication('brief', ({ state }) => state === 'running');
    expect(await change('/v1/applications/brief/maintenance')).toBe(204);
    expect(await change('/v1/applications/brief', 'DELETE')).toBe(204);
    expect(await closed()).toMatchObject([{ path: '/brief' }]);
    host.drop('brief', { 'index.html': 'another' });
    await host.untilApplication('brief', ({ state }) => state === 'running');
    expect(await textOf('main.example', '/brief/')).toBe('503');
    expect(await change('/v1/applications/brief', 'DELETE')).toBe(204);
    expect(portico('maintenance', 'off', 'brief')).toBe('brief is open again\n');
    expect(await closed()).toEqual([]);
    expect(await change('/v1/applications/brief/maintenance', 'DELETE')).toBe(404);
  });

  it('refuses pages that are no files, too large or no text', async () => {
    const large = join(host.base, 'large.html');
    writeFileSync(large, Buffer.alloc(65 * 1024, 'x'));
    const binary = join(host.base, 'binary.html');
    writeFileSync(binary, Buffer.from([0xff, 0xfe]));
    for (const file of [large, binary, host.base, join(host.base, 'missing.html'), 'page.html', '/dev/zero'])
      expect(await change(`${at}?${new URLSearchParams({ file })}`)).toBe(422);
    for (const retryAfter of ['soon', '0', '-1', '1.5'])
      expect(await change(`${at}?${new URLSearchParams({ retryAfter })}`)).toBe(400);
    expect(await textOf('main.example', '/app/')).toBe('served');
  });
});

describe('a virtual host that is closed for maintenance', () => {
  it('answers for all its names and paths, and others go on', async () => {
    expect(await change('/v1/hosts/www.shop.example/maintenance?retryAfter=60')).toBe(204);
    for (const [name, path] of [
      ['shop.example', '/'],
      ['www.shop.example', '/cart/'],
      ['SHOP.example:80', '/nowhere'],
    ] as const) {
      const answer = await ask(name, path);
      expect([answer.status, headerOf(answer, 'retry-after')]).toEqual([503, '60']);
    }
    expect(await textOf('main.example', '/app/')).toBe('served');
    expect(await host.application('cart')).toMatchObject({ state: 'running', maintenance: 'virtual-host' });
    expect(portico('maintenance', 'list')).toMatch(/shop\.example +operator .* 1m +plain/);
    expect(portico('maintenance', 'off', '--virtual-host', 'shop.example')).toBe(
      'shop.example is open again\n',
    );
    expect(await textOf('www.shop.example', '/cart/')).toBe('cart');
  });

  it('may be the default one, which answers for every other name', async () => {
    portico('maintenance', 'on', '--virtual-host', 'main.example');
    expect(await Promise.all(['main.example', '127.0.0.1'].map((name) => textOf(name, '/app/')))).toEqual([
      '503',
      '503',
    ]);
    expect(await textOf('shop.example', '/')).toBe('shop');
    expect(await host.application('app')).toMatchObject({ maintenance: 'virtual-host' });
    expect(await change('/v1/hosts/main.example/maintenance', 'DELETE')).toBe(204);
    expect(await codeOf('/v1/hosts/nobody.example/maintenance', 'POST')).toBe('PORTICO_VIRTUAL_HOST_UNKNOWN');
  });
});

describe('a host that is closed for maintenance', () => {
  it('answers at once whatever is asked, keeps connections, and is ready', async () => {
    expect(await change('/v1/server/maintenance')).toBe(204);
    expect(await Promise.all([textOf('shop.example', '/'), textOf('main.example', '/nowhere')])).toEqual([
      '503',
      '503',
    ]);
    expect(await ready()).toEqual([200, true]);
    const head = await ask('main.example', '/app/', '', 'HEAD /app/');
    expect([head.status, headerOf(head, 'retry-after'), head.body.length]).toEqual([503, '300', 0]);
    expect(headerOf(head, 'connection')).toBeUndefined();
    // Before the body has come.
    expect((await ask('main.example', '/app/', 'Content-Length: 1000\r\n', 'POST /app/')).status).toBe(503);
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    expect((await ask('main.example', '/app/', upgrade)).status).toBe(503);
    expect(portico('status')).toMatch(/maintenance:\n.*\nthe whole host +operator/);
    await change('/v1/applications/app/maintenance');
    expect(portico('maintenance', 'off', 'app')).toBe('app is still closed: the whole host is\n');
    // A suspension says to go elsewhere, which is more.
    expect(await change('/v1/server/suspend')).toBe(204);
    expect(headerOf(await ask('main.example', '/app/'), 'connection')).toBe('close');
    expect(await change('/v1/server/resume')).toBe(204);
    expect(headerOf(await ask('main.example', '/app/'), 'connection')).toBeUndefined();
    expect(await textOf('main.example', '/app/')).toBe('503');
  });

  it('stays so over a restart, as do virtual hosts and applications', async () => {
    await change('/v1/hosts/shop.example/maintenance');
    await change('/v1/applications/app/maintenance');
    const { base } = host;
    expect(await host.end()).toBe(0);
    host = await TestHost.startOn(base);
    expect((await closed()).map((one) => (one as { scope: string }).scope)).toEqual([
      'host',
      'virtual-host',
      'application',
    ]);
    expect(host.log).toContain(
      'closed for maintenance: the whole host (by an operator), shop.example (by an operator), /app (by an operator)',
    );
    expect(await textOf('main.example', '/nowhere')).toBe('503');
    expect(portico('maintenance', 'off', '--whole-host')).toBe('the whole host is open again\n');
    expect(await Promise.all([textOf('shop.example', '/'), textOf('main.example', '/app/')])).toEqual([
      '503',
      '503',
    ]);
    expect(await textOf('main.example', '/nowhere')).toBe('404');
    await change('/v1/hosts/shop.example/maintenance', 'DELETE');
    await change('/v1/applications/app/maintenance', 'DELETE');
    expect(await Promise.all([textOf('shop.example', '/'), textOf('main.example', '/app/')])).toEqual([
      'shop',
      'served',
    ]);
    const events = await (await host.admin('/v1/events')).text();
    expect([events.includes('maintenance-ended'), (await closed()).length]).toEqual([true, 0]);
  });
});

describe('maintenance in host.yaml', () => {
  const configure = (text: string): void => writeFileSync(join(host.base, 'host.yaml'), QUICK + text);

  it('closes and opens with a reload, and is what only the file can open', async () => {
    writeFileSync(join(host.base, 'later.html'), '<h1>Later</h1>');
    configure(HOSTS.replace('aliases:', 'maintenance: { page: later.html, retryAfter: 2m }, aliases:'));
    expect(portico('reload')).toContain('changed: maintenance');
    const page = await ask('www.shop.example', '/cart/');
    expect([page.status, headerOf(page, 'retry-after'), page.body.toString()]).toEqual([
      503,
      '120',
      '<h1>Later</h1>',
    ]);
    expect(await closed()).toMatchObject([
      { scope: 'virtual-host', host: 'shop.example', by: 'configuration' },
    ]);
    expect(await codeOf('/v1/hosts/shop.example/maintenance', 'DELETE')).toBe(
      'PORTICO_MAINTENANCE_CONFIGURED',
    );
    expect(await textOf('main.example', '/app/')).toBe('served');
    // An operator may say something else of it; when he has done, the file is in force again.
    await change('/v1/hosts/shop.example/maintenance?retryAfter=7');
    expect(headerOf(await ask('shop.example', '/'), 'retry-after')).toBe('7');
    await change('/v1/hosts/shop.example/maintenance', 'DELETE');
    expect(headerOf(await ask('shop.example', '/'), 'retry-after')).toBe('120');
    configure(`${HOSTS}maintenance: true\n`);
    portico('reload');
    expect(await Promise.all([textOf('shop.example', '/'), textOf('main.example', '/app/')])).toEqual([
      '503',
      '503',
    ]);
    configure(HOSTS);
    portico('reload');
    expect(await Promise.all([textOf('shop.example', '/'), textOf('main.example', '/app/')])).toEqual([
      'shop',
      'served',
    ]);
  });

  it('with a page that cannot be used changes nothing, and tells the line', async () => {
    configure(`${HOSTS}maintenance: { page: missing.html }\n`);
    expect(() => portico('reload')).toThrow(
      /host\.yaml:6:\d+: maintenance\.page: .*missing\.html does not exist/,
    );
    expect(await textOf('shop.example', '/')).toBe('shop');
    expect(readFileSync(join(host.base, 'work/maintenance.json'), 'utf8')).not.toContain('missing');
    configure(HOSTS);
  });
});
