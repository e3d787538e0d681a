import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApplicationStarted } from 'portico';
import { type TestBundle, testBundle } from 'portico/testing';
import { filesOf, tgzOf } from '#test/support/archives.js';
import { repositoryFolder } from '#test/support/paths.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

let folder: TemporaryFolder;
let bundle: TestBundle | undefined;
beforeEach(() => {
  folder = new TemporaryFolder();
});
afterEach(async () => {
  await bundle?.stop();
  bundle = undefined;
  folder.remove();
});

/** Writes the bundle `shop`, whose main file and an imported one say `text`. */
function writeShop(text: string, descriptor = ''): string {
  return folder.write('shop', {
    'application.yaml': `portico: { application: { modules: ['shop.mjs#shopModule'] } ${descriptor} }\nshop: { name: Blue }\n`,
    'text.mjs': `export const text = ${JSON.stringify(text)};\n`,
    'shop.mjs': SHOP,
  });
}

const SHOP = `import { routing } from 'portico';
import { text } from './text.mjs';
let calls = 0;
export function shopModule(application) {
  const name = application.environment.config.property('shop.name').getString();
  routing(application, (r) => {
    r.get('/', () => 'root');
    r.get('/text', () => \`\${text} \${name} \${++calls}\`);
    r.get('/uri', (call) => [call.request.uri, call.localPath, application.href('/x')]);
    r.get('/login', (call) => {
      call.response.header('Set-Cookie', 'a=1; Path=' + application.rootPath + '/');
      return call.respondRedirect(application.href('/text'));
    });
    r.get('/fail', () => {
      throw new RangeError('broken');
    });
    r.post('/size', async (call) => String((await call.receiveBytes()).length));
  });
}
`;

const text = async (path: string) => (await (bundle as TestBundle).client.get(path)).text();
const status = async (path: string) => (await (bundle as TestBundle).client.get(path)).status;

describe('testBundle', () => {
  it('mounts a sample under a context path and speaks to it', async () => {
    bundle = await testBundle(join(repositoryFolder, 'apps/guestbook'), { contextPath: '/shop' });
    expect(bundle.contextPath).toBe('/shop');
    const browser = bundle.client.with({ followRedirects: true });
    const page = await browser.post('/shop/', { form: { name: 'Ada', text: 'hello' } });
    expect([page.status, page.url]).toEqual([200, 'http://localhost/shop/']);
    expect(await page.text()).toContain('Ada');
    expect(await (await browser.get('/shop/api/entries')).json()).toMatchObject([{ name: 'Ada' }]);
  });

  it('takes the rules of the container for paths', async () => {
    bundle = await testBundle(writeShop('one'));
    expect(bundle.contextPath).toBe('/shop');
    expect(await text('/shop/')).toBe('root');
    expect(await (await bundle.client.get('/shop/./a/../uri?q=1')).json()).toEqual([
      '/shop/uri?q=1',
      '/uri',
      '/shop/x',
    ]);
    const bare = await bundle.client.get('/shop?q=1');
    expect([bare.status, bare.header('location')]).toEqual([302, '/shop/?q=1']);
    expect(await status('/shopping')).toBe(404);
    expect(await status('/')).toBe(404);
    expect(await status('/shop/%2e%2e/x')).toBe(400);
    expect(await status('/shop/nothing')).toBe(404);
    const browser = bundle.client.with({ cookies: true, followRedirects: true });
    expect((await browser.get('/shop/login')).url).toBe('http://localhost/shop/text');
    expect(browser.cookies?.cookies).toMatchObject([{ name: 'a', path: '/shop/' }]);
  });

  it('rejects with the error of a handler, or answers 500', async () => {
    bundle = await testBundle(writeShop('one'));
    await expect(bundle.client.get('/shop/fail')).rejects.toThrow('broken');
    await bundle.stop();
    bundle = await testBundle(folder.at('shop'), { rethrowErrors: false });
    expect(await status('/shop/fail')).toBe(500);
  });

  it('reads what developer and operator say', async () => {
    const shop = writeShop('one', ', servlet: { limits: { body: 10B } }');
    writeFileSync(
      folder.at('shop.yaml'),
      'portico: { servlet: { context: /blue/shop } }\nshop: { name: Green }\n',
    );
    bundle = await testBundle(shop);
    expect(bundle.contextPath).toBe('/blue/shop');
    expect(await text('/blue/shop/text')).toBe('one Green 1');
    const large = await bundle.client.post('/blue/shop/size', { body: 'x'.repeat(11) });
    expect(large.status).toBe(413);
    await bundle.stop();
    bundle = await testBundle(shop, { operatorDescriptor: false, contextPath: '/' });
    expect([bundle.contextPath, await text('/text')]).toEqual(['', 'one Blue 1']);
  });

  it('loads all modules anew at a reload, changed or not', async () => {
    const shop = writeShop('one');
    bundle = await testBundle(shop);
    const started: unknown[] = [];
    bundle.subscribe(ApplicationStarted, (application) => started.push(application));
    expect([await text('/shop/text'), await text('/shop/text')]).toEqual(['one Blue 1', 'one Blue 2']);
    await bundle.reload();
    expect(await text('/shop/text')).toBe('one Blue 1');
    writeFileSync(join(shop, 'text.mjs'), "export const text = 'two';\n");
    expect(await text('/shop/text')).toBe('one Blue 2');
    await bundle.reload();
    expect(await text('/shop/text')).toBe('two Blue 1');
    expect(started).toHaveLength(2);
    expect(started[1]).toBe(bundle.application);
  });

  it('starts the new one before it stops the old one', async () => {
    bundle = await testBundle(writeShop('one'));
    const start = [
      'ApplicationStarting',
      'ApplicationModulesLoading',
      'ApplicationModulesLoaded',
      'ApplicationStarted',
      'ServerReady',
    ];
    const stop = ['ApplicationStopPreparing', 'ApplicationStopping', 'ApplicationStopped'];
    expect(bundle.events).toEqual(start);
    await bundle.reload();
    expect(bundle.events).toEqual([...start, ...start, ...stop]);
    await bundle.stop();
    expect(bundle.events).toEqual([...start, ...start, ...stop, ...stop]);
    expect(await status('/shop/')).toBe(503);
  });

  it('serves on with the old one when the new one does not start', async () => {
    const shop = writeShop('one');
    bundle = await testBundle(shop);
    writeFileSync(join(shop, 'text.mjs'), "throw new Error('half written');\n");
    await expect(bundle.reload()).rejects.toMatchObject({ code: 'PORTICO_MODULE_THREW' });
    expect(await text('/shop/text')).toBe('one Blue 1');
  });

  it('takes an archive', async () => {
    const shop = writeShop('packed');
    const names = ['application.yaml', 'shop.mjs', 'text.mjs'];
    const files = filesOf(
      Object.fromEntries(names.map((name) => [name, readFileSync(join(shop, name), 'utf8')])),
    );
    rmSync(shop, { recursive: true });
    writeFileSync(folder.at('packed.tgz'), await tgzOf(files));
    bundle = await testBundle(folder.at('packed.tgz'));
    expect(await text('/packed/text')).toBe('packed Blue 1');
  });

  it.each([
    ['apps/docs', 'PORTICO_TEST_BUNDLE'],
    ['apps/nothing', 'PORTICO_TEST_BUNDLE'],
  ])('refuses %s', async (path, code) => {
    await expect(testBundle(join(repositoryFolder, path))).rejects.toMatchObject({ code });
  });

  it('refuses a context path that cannot be one', async () => {
    const mounting = testBundle(writeShop('one'), { contextPath: 'no slash' });
    await expect(mounting).rejects.toMatchObject({ code: 'PORTICO_TEST_BUNDLE' });
  });

  it('tells what is wrong with a module', async () => {
    const shop = writeShop('one');
    writeFileSync(join(shop, 'shop.mjs'), 'export const other = 1;\n');
    await expect(testBundle(shop)).rejects.toMatchObject({ code: 'PORTICO_EXPORT_MISSING' });
  });
});
