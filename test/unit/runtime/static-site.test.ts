import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { StaticSite } from '#host/runtime/static/static-site.js';
import { MemoryExchange } from '#test/support/memory-exchange.js';
import { until } from '#test/support/polling.js';

const big = Buffer.alloc(700_000, 'abcdefghij');
let base = '';
let root = '';
let site: StaticSite;
const errors: unknown[] = [];
const mount = { path: '', maxBodyBytes: 0, counters: { tunnels: 0, tooLargeBodies: 0 } };

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'portico-static-'));
  root = join(base, 'site');
  const write = (name: string, text: string | Buffer): void => {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  };
  write('index.html', '<h1>home</h1>');
  write('hello.txt', '0123456789');
  write('a b/ü.json', '{}');
  write('docs/index.html', 'docs');
  write('empty/keep.txt', '');
  write('app.js', 'x');
  write('module.mjs', 'x');
  write('logo.svg', '<svg/>');
  write('logo.png', 'x');
  write('README', 'plain');
  write('big.bin', big);
  write('.env', 'SECRET=1');
  write('.git/config', 'x');
  write('.well-known/security.txt', 'contact');
  write('sub/.well-known/x', 'x');
  write('node_modules/x/index.js', 'x');
  write('docs/node_modules/x.js', 'x');
  write('package.json', '{}');
  write('docs/package.json', '{}');
  write('application.yaml', 'x');
  write('WEB-INF/web.xml', 'x');
  writeFileSync(join(base, 'outside.txt'), 'outside');
  symlinkSync(join(base, 'outside.txt'), join(root, 'link-out.txt'));
  symlinkSync(base, join(root, 'link-up'));
  symlinkSync(join(root, 'hello.txt'), join(root, 'link-in.txt'));
  symlinkSync(join(root, '.env'), join(root, 'link-env'));
  symlinkSync('loop', join(root, 'loop'));
  execFileSync('mkfifo', [join(root, 'pipe')]);
  site = new StaticSite(root, (thrown) => errors.push(thrown));
});

afterAll(() => {
  rmSync(base, { recursive: true });
  expect(errors).toEqual([]);
});

async function get(path: string, fields: readonly string[] = [], method = 'GET'): Promise<MemoryExchange> {
  const exchange = new MemoryExchange(path, { method, fields });
  site.handle(exchange, mount, exchange.head.path);
  await exchange.done;
  return exchange;
}

describe('StaticSite', () => {
  it.each([
    ['/', 'text/html; charset=utf-8', '<h1>home</h1>'],
    ['/index.html', 'text/html; charset=utf-8', '<h1>home</h1>'],
    ['/hello.txt', 'text/plain; charset=utf-8', '0123456789'],
    ['/hello.txt;v=1', 'text/plain; charset=utf-8', '0123456789'],
    ['/a%20b/%C3%BC.json', 'application/json; charset=utf-8', '{}'],
    ['/docs/', 'text/html; charset=utf-8', 'docs'],
    ['/app.js', 'text/javascript; charset=utf-8', 'x'],
    ['/module.mjs', 'text/javascript; charset=utf-8', 'x'],
    ['/logo.svg', 'image/svg+xml; charset=utf-8', '<svg/>'],
    ['/logo.png', 'image/png', 'x'],
    ['/README', 'application/octet-stream', 'plain'],
    ['/link-in.txt', 'text/plain; charset=utf-8', '0123456789'],
    ['/.well-known/security.txt', 'text/plain; charset=utf-8', 'contact'],
    ['/docs/package.json', 'application/json; charset=utf-8', '{}'],
  ])('serves %s as %s', async (path, type, body) => {
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(answer.field('content-type')).toBe(type);
    expect(answer.field('x-content-type-options')).toBe('nosniff');
    expect(answer.body).toBe(body);
  });

  it.each([
    '/missing',
    '/.env',
    '/%2Eenv',
    '/.git/config',
    '/.git/',
    '/sub/.well-known/x',
    '/node_modules/x/index.js',
    '/NODE_MODULES/x/index.js',
    '/docs/node_modules/x.js',
    '/package.json',
    '/Package.json',
    '/package.json;x',
    '/application.yaml',
    '/WEB-INF/web.xml',
    '/web-inf/web.xml',
    '/HELLO.txt',
    '/hello.txt/',
    '/hello.txt/x',
    '/hello.txt.',
    '/hello.txt%20',
    '/empty/',
    '/link-out.txt',
    '/link-up/outside.txt',
    '/link-env',
    '/loop',
    '/pipe',
    '/%2Fetc/passwd',
    '/..%2foutside.txt',
    '/%5C..%5Coutside.txt',
    '/a%00b',
    '/%E2%82',
    `/${'n'.repeat(4000)}`,
  ])('answers 404 for %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  it('redirects a folder to its path with a slash, with the query', async () => {
    const answer = await get('/docs?a=1');
    expect(answer.status).toBe(302);
    expect(answer.field('location')).toBe('/docs/?a=1');
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('refuses %s with 405 and Allow', async (method) => {
    const answer = await get('/hello.txt', [], method);
    expect(answer.status).toBe(405);
    expect(answer.field('allow')).toBe('GET, HEAD, OPTIONS');
  });

  it('answers HEAD of a big file with its length and without a body', async () => {
    const answer = await get('/big.bin', [], 'HEAD');
    expect(answer.status).toBe(200);
    expect(answer.field('content-length')).toBe('700000');
    expect(answer.body).toBe('');
  });

  it('answers 304 for a validator it gave, also when the file is big', async () => {
    for (const path of ['/hello.txt', '/big.bin']) {
      const first = await get(path);
      const etag = first.field('etag') ?? '';
      const modified = first.field('last-modified') ?? '';
      expect(etag).toMatch(/^W\/"/);
      expect((await get(path, ['If-None-Match', `"x", ${etag}`])).status).toBe(304);
      expect((await get(path, ['If-None-Match', '*'])).status).toBe(304);
      expect((await get(path, ['If-None-Match', '"x"'])).status).toBe(200);
      expect((await get(path, ['If-Modified-Since', modified])).status).toBe(304);
      // If-None-Match wins (RFC 9110 §13.2.2).
      expect((await get(path, ['If-None-Match', '"x"', 'If-Modified-Since', modified])).status).toBe(200);
      expect((await get(path, ['If-Modified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT'])).status).toBe(200);
      expect((await get(path, ['If-Modified-Since', 'yesterday'])).status).toBe(200);
      expect((await get(path, ['If-Match', '"x"'])).status).toBe(412);
      expect((await get(path, ['If-Match', '*'])).status).toBe(200);
      expect((await get(path, ['If-Unmodified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT'])).status).toBe(412);
    }
  });

  it.each([
    ['bytes=0-0', 206, '0', 'bytes 0-0/10'],
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=7-999', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=0-3,2-5', 206, '012345', 'bytes 0-5/10'],
    ['bytes=0-1,8-9', 200, '0123456789', undefined],
    [`bytes=${Array.from({ length: 1000 }, () => '0-').join(',')}`, 200, '0123456789', undefined],
    ['bytes=10-', 416, undefined, 'bytes */10'],
    ['bytes=-0', 416, undefined, 'bytes */10'],
    ['bytes=5-2', 200, '0123456789', undefined],
    ['bytes=a-b', 200, '0123456789', undefined],
    ['bytes=--5', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
  ] as const)('answers range %.30s with %d', async (range, status, body, contentRange) => {
    const answer = await get('/hello.txt', ['Range', range]);
    expect(answer.status).toBe(status);
    expect(answer.field('content-range')).toBe(contentRange);
    if (body !== undefined) expect(answer.body).toBe(body);
  });

  it('continues a download only for the date the client began with', async () => {
    const first = await get('/big.bin');
    const modified = first.field('last-modified') ?? '';
    const resumed = await get('/big.bin', ['Range', 'bytes=699990-', 'If-Range', modified]);
    expect([resumed.status, resumed.body, resumed.field('content-length')]).toEqual([
      206,
      'abcdefghij',
      '10',
    ]);
    const etag = first.field('etag') ?? '';
    expect((await get('/big.bin', ['Range', 'bytes=699990-', 'If-Range', etag])).status).toBe(200);
  });

  it('sends a big file at the pace of the client', async () => {
    const exchange = new MemoryExchange('/big.bin');
    exchange.room = 1;
    site.handle(exchange, mount, '/big.bin');
    while (!exchange.isEnded) {
      const before = exchange.chunks.length;
      exchange.room = 2;
      exchange.listener?.drain();
      await new Promise(setImmediate);
      expect(exchange.chunks.length - before).toBeLessThanOrEqual(2);
    }
    expect(exchange.body).toBe(big.toString());
  });

  it('closes the file when the client goes away in the middle', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let i = 0; i < 20; i++) {
      const exchange = new MemoryExchange('/big.bin');
      exchange.room = 1;
      site.handle(exchange, mount, '/big.bin');
      while (exchange.chunks.length === 0) await new Promise(setImmediate);
      exchange.leave();
    }
    while (site.openExchanges > 0) await new Promise(setImmediate);
    expect(open() - before).toBeLessThan(5);
  });

  it('notices a changed file within the time the cache is trusted', async () => {
    const file = join(root, 'changing.txt');
    writeFileSync(file, 'one');
    expect((await get('/changing.txt')).body).toBe('one');
    writeFileSync(file, 'three');
    await until('the new content is served', async () => (await get('/changing.txt')).body === 'three');
    rmSync(file);
    await until('it is gone', async () => (await get('/changing.txt')).status === 404);
    expect(existsSync(file)).toBe(false);
  });

  it('shows an escaped page to browsers and text to others, without the path', async () => {
    const page = await get('/<script>', ['Accept', 'text/html']);
    expect(page.field('content-type')).toBe('text/html; charset=utf-8');
    expect(page.body).not.toContain('<script>');
    expect((await get('/x')).body).toBe('404 Not Found: There is nothing here.\n');
  });

  it('is idle only when nothing is being sent', async () => {
    const other = new StaticSite(root, (thrown) => errors.push(thrown));
    const exchange = new MemoryExchange('/big.bin');
    exchange.room = 1;
    other.handle(exchange, mount, '/big.bin');
    let isIdle = false;
    const idle = new Promise<void>((resolve) => {
      other.retire(() => {
        isIdle = true;
        resolve();
      });
    });
    while (exchange.chunks.length === 0) await new Promise(setImmediate);
    expect(isIdle).toBe(false);
    exchange.leave();
    await idle;
  });
});
