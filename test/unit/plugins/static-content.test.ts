import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Application, type RootRoute, routing } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import { Compression } from 'portico/plugins/compression';
import { ConditionalHeaders } from 'portico/plugins/conditional-headers';
import { PartialContent } from 'portico/plugins/partial-content';
import {
  type StaticContentConfig,
  singlePageApplication,
  staticFiles,
  staticZip,
} from 'portico/plugins/static-content';
import { type TestApplicationEngine, type TestResponse, testApplication } from 'portico/testing';
import yazl from 'yazl';
import { until } from '#test/support/polling.js';

const base = mkdtempSync(join(tmpdir(), 'portico-static-'));
const folder = join(base, 'public');
const CSS = 'a { color: red }\n'.repeat(500);

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
}

beforeAll(() => {
  put('index.html', '<h1>home</h1>');
  put('about.html', '<h1>about</h1>');
  put('docs/index.html', '<h1>docs</h1>');
  put('empty/only.txt', 'only');
  put('nothing.txt', '');
  put('digits.txt', '0123456789');
  put('site.css', CSS);
  put('site.css.br', brotliCompressSync(CSS));
  put('site.css.gz', gzipSync(CSS));
  put('ünï code.txt', 'unicode');
  put('.env', 'secret');
  put('.git/config', 'secret');
  put('package.json', '{}');
  put('unknown.xyzzy', 'x');
  writeFileSync(join(base, 'secret.txt'), 'secret');
  symlinkSync(join(base, 'secret.txt'), join(folder, 'link.txt'));
  symlinkSync(base, join(folder, 'up'));
  symlinkSync(join(folder, 'digits.txt'), join(folder, 'inside.txt'));
  symlinkSync(join(folder, '.env'), join(folder, 'env.txt'));
});
afterAll(() => rmSync(base, { recursive: true }));

let engine: TestApplicationEngine | undefined;
afterEach(async () => {
  await engine?.stop(0);
  engine = undefined;
});

async function start(routes: (r: RootRoute) => void, module: (app: Application) => void = () => undefined) {
  engine = await testApplication((app) => {
    module(app);
    routing(app, routes);
  });
  return engine.client;
}

const files = (configure?: (config: StaticContentConfig) => void, module?: (app: Application) => void) =>
  start((r) => staticFiles(r, '/s', folder, configure), module);

const said = async (response: Promise<TestResponse>) => {
  const { status, text } = { status: (await response).status, text: await (await response).text() };
  return `${status} ${text}`;
};

describe('static files', () => {
  it.each([
    ['/s/digits.txt', '200 0123456789'],
    ['/s', '200 <h1>home</h1>'],
    ['/s/', '200 <h1>home</h1>'],
    ['/s/docs', '200 <h1>docs</h1>'],
    ['/s/docs/', '200 <h1>docs</h1>'],
    ['/s/nothing.txt', '200 '],
    ['/s/%C3%BCn%C3%AF%20code.txt', '200 unicode'],
    ['/s/inside.txt', '200 0123456789'],
    ['/s/digits.txt/', '404 '],
    ['/s/empty', '404 '],
    ['/s/missing.txt', '404 '],
    ['/s/digits.txt/x', '404 '],
    ['/s/about', '404 '],
    ['/s/.env', '404 '],
    ['/s/.git/config', '404 '],
    ['/s/package.json', '404 '],
    ['/s/link.txt', '404 '],
    ['/s/up/secret.txt', '404 '],
    ['/s/env.txt', '404 '],
    ['/s/docs%2Findex.html', '404 '],
    ['/s/docs%5Cindex.html', '404 '],
    ['/s/digits.txt%00', '404 '],
    ['/s/..%2Fsecret.txt', '404 '],
    ['/s/%2e%2e', '400'],
    [`/s/${'x'.repeat(3000)}`, '404 '],
  ])('%s is %s', async (path, wanted) => {
    const client = await files();
    const answer = await said(client.get(path));
    expect(wanted === '400' ? answer.slice(0, 3) : answer).toBe(wanted);
  });

  it('have type, length, time and a strong tag', async () => {
    const client = await files((config) => {
      config.cacheControl = () => [{ type: 'max-age', maxAgeSeconds: 60 }];
      config.modify(({ path }, call) => call.response.header('X-Path', path));
    });
    const { headers } = await client.get('/s/digits.txt');
    expect(headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '10',
      'cache-control': 'max-age=60',
      'x-content-type-options': 'nosniff',
      'x-path': 'digits.txt',
      etag: `"${createHash('sha256').update('0123456789').digest('base64url')}"`,
    });
    expect(Date.parse(headers['last-modified'] as string)).not.toBeNaN();
    expect((await client.get('/s/unknown.xyzzy')).header('content-type')).toBe('application/octet-stream');
  });

  it('have the tags that are wanted', async () => {
    const tag = async (configure: (config: StaticContentConfig) => void) =>
      (await (await files(configure)).get('/s/digits.txt')).header('etag');
    expect(await tag((config) => (config.etag = 'weak'))).toMatch(/^W\/"a-[0-9a-f]+"$/);
    expect(await tag((config) => (config.maxHashedBytes = 9))).toMatch(/^W\//);
    expect(await tag((config) => (config.etag = 'none'))).toBeUndefined();
    expect(await tag((config) => (config.etag = ({ path }) => ({ value: path, isWeak: false })))).toBe(
      '"digits.txt"',
    );
  });

  it('get another strong tag with other bytes', async () => {
    put('changing.txt', 'one');
    const client = await files();
    const first = (await client.get('/s/changing.txt')).header('etag');
    put('new.txt', 'two');
    renameSync(join(folder, 'new.txt'), join(folder, 'changing.txt'));
    const response = await client.get('/s/changing.txt');
    expect(await response.text()).toBe('two');
    expect(response.header('etag')).not.toBe(first);
  });

  it('yield to every other route', async () => {
    const client = await start((r) => {
      staticFiles(r, '/', folder);
      r.get('/digits.txt', () => 'handler');
      r.get('/{name}', (call) => (call.parameters.name === 'site.css' ? 'by name' : undefined));
    });
    expect(await said(client.get('/digits.txt'))).toBe('200 handler');
    expect(await said(client.get('/site.css'))).toBe('200 by name');
    expect(await said(client.get('/docs/index.html'))).toBe('200 <h1>docs</h1>');
  });

  it('exclude with 403, whether there is a file or not', async () => {
    const client = await files((config) => config.exclude((path) => path.endsWith('.txt')));
    expect((await client.get('/s/digits.txt')).status).toBe(403);
    expect((await client.get('/s/missing.txt')).status).toBe(403);
    expect((await client.get('/s/about.html')).status).toBe(200);
  });

  it('try extensions, the default, then the fallback', async () => {
    const client = await files((config) => {
      config.extensions = ['txt', 'html'];
      config.index = undefined;
      config.fallback((call, path) => call.respondText(`nothing at ${path}`, undefined, 410));
    });
    expect(await said(client.get('/s/about'))).toBe('200 <h1>about</h1>');
    expect(await said(client.get('/s/digits'))).toBe('200 0123456789');
    expect(await said(client.get('/s/docs/'))).toBe('410 nothing at docs/');
    const other = await files((config) => {
      config.default = 'docs/index.html';
    });
    expect(await said(other.get('/s/what/ever'))).toBe('200 <h1>docs</h1>');
  });

  it('answer HEAD when told so', async () => {
    expect((await (await files()).request('HEAD', '/s/digits.txt')).status).toBe(404);
    const client = await files((config) => (config.enableAutoHeadResponse = true));
    const response = await client.request('HEAD', '/s/digits.txt');
    expect([response.status, response.header('content-length'), await response.text()]).toEqual([
      200,
      '10',
      '',
    ]);
  });

  it('are read only', async () => {
    expect((await (await files()).post('/s/digits.txt')).status).toBe(404);
  });

  it('are sent compressed beforehand, the smallest that the client takes', async () => {
    const client = await files(
      (config) => config.preCompressed('br', 'gzip', 'zstd'),
      (app) => app.install(Compression),
    );
    const get = async (accepted: string, path = '/s/site.css') => {
      const response = await client.get(path, { headers: { 'Accept-Encoding': accepted } });
      const bytes = await response.bytes();
      return [
        response.header('content-encoding'),
        response.header('content-type'),
        bytes.length,
        response.header('vary'),
      ];
    };
    const css = 'text/css; charset=utf-8';
    expect(await get('gzip, br')).toEqual(['br', css, brotliCompressSync(CSS).length, 'Accept-Encoding']);
    expect(await get('gzip')).toEqual(['gzip', css, gzipSync(CSS).length, 'Accept-Encoding']);
    expect(await get('br;q=0, *')).toEqual(['gzip', css, gzipSync(CSS).length, 'Accept-Encoding']);
    expect(await get('identity')).toEqual([undefined, css, CSS.length, 'Accept-Encoding']);
    expect(await get('br', '/s/digits.txt')).toEqual([
      undefined,
      'text/plain; charset=utf-8',
      10,
      'Accept-Encoding',
    ]);
  });

  it('are sent in part, and not again', async () => {
    const client = await files(undefined, (app) => {
      app.install(PartialContent);
      app.install(ConditionalHeaders);
    });
    const get = (headers: Record<string, string>) => client.get('/s/digits.txt', { headers });
    expect(await said(get({ Range: 'bytes=3-5' }))).toBe('206 345');
    expect(await said(get({ Range: 'bytes=-2' }))).toBe('206 89');
    expect(await said(get({ Range: 'bytes=20-' }))).toBe('416 ');
    const { headers } = await get({});
    expect(await said(get({ 'If-None-Match': headers['etag'] as string }))).toBe('304 ');
    expect(await said(get({ 'If-Modified-Since': headers['last-modified'] as string }))).toBe('304 ');
    expect(await said(get({ 'If-Range': headers['etag'] as string, Range: 'bytes=0-0' }))).toBe('206 0');
    expect(await said(get({ 'If-Range': '"other"', Range: 'bytes=0-0' }))).toBe('200 0123456789');
  });

  it('may come later, and from behind a link that is turned', async () => {
    const link = join(base, 'current');
    const client = await start((r) => staticFiles(r, '/s', link));
    expect((await client.get('/s/v.txt')).status).toBe(404);
    for (const version of ['one', 'two']) {
      mkdirSync(join(base, version));
      writeFileSync(join(base, version, 'v.txt'), version);
      symlinkSync(join(base, version), `${link}.new`);
      renameSync(`${link}.new`, link);
      expect(await said(client.get('/s/v.txt'))).toBe(`200 ${version}`);
    }
  });
});

describe('a file that is sent', () => {
  const isOpen = (path: string) =>
    readdirSync('/proc/self/fd').some((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === path;
      } catch {
        // Closed since the folder was read.
        return false;
      }
    });

  it('is closed when the client leaves, and was open for it only', async () => {
    const big = join(folder, 'big.bin');
    writeFileSync(big, Buffer.alloc(32 * 1024 * 1024));
    const server = embeddedServer(CIO, { port: 0, host: '127.0.0.1' }, (app) => {
      routing(app, (r) =>
        staticFiles(r, '/', folder, (config) => {
          config.etag = 'weak';
          config.enableAutoHeadResponse = true;
        }),
      );
    });
    await server.start();
    try {
      const [{ port } = { port: 0 }] = await server.resolvedConnectors();
      const ask = (method: string) =>
        new Promise<http.IncomingMessage>((resolve, reject) => {
          http
            .request({ port, host: '127.0.0.1', method, path: '/big.bin', agent: false }, resolve)
            .on('error', reject)
            .end();
        });
      const head = await ask('HEAD');
      head.resume();
      expect([head.headers['content-length'], isOpen(big)]).toEqual([String(32 * 1024 * 1024), false]);
      const response = await ask('GET');
      await until(() => isOpen(big));
      response.destroy();
      await until(() => !isOpen(big));
    } finally {
      await server.stop(0);
      rmSync(big);
    }
  });
});

describe('a single-page application', () => {
  it('gets its page for unknown paths, files for known ones, and yields to routes', async () => {
    const client = await start((r) => {
      singlePageApplication(r, (config) => {
        config.react(folder);
        config.ignoreFiles((path) => path.endsWith('.css'));
      });
      r.get('/api/items', () => 'items');
    });
    expect(await said(client.get('/'))).toBe('200 <h1>home</h1>');
    expect(await said(client.get('/users/7'))).toBe('200 <h1>home</h1>');
    expect(await said(client.get('/digits.txt'))).toBe('200 0123456789');
    expect(await said(client.get('/.env'))).toBe('200 <h1>home</h1>');
    expect(await said(client.get('/api/items'))).toBe('200 items');
    expect((await client.get('/site.css')).status).toBe(403);
    expect((await client.get('/..')).status).toBe(400);
  });

  it('may be at another place with another page', async () => {
    const client = await start((r) => {
      singlePageApplication(r, (config) => {
        config.filesPath = folder;
        config.applicationRoute = '/app';
        config.defaultPage = 'about.html';
      });
    });
    expect(await said(client.get('/app/x'))).toBe('200 <h1>about</h1>');
    expect((await client.get('/x')).status).toBe(404);
  });
});

describe('a zip file', () => {
  async function writeZip(path: string, entries: Readonly<Record<string, string>>): Promise<void> {
    const zip = new yazl.ZipFile();
    for (const [name, text] of Object.entries(entries))
      zip.addBuffer(Buffer.from(text), name, { compress: name !== 'site/stored.txt' });
    zip.end();
    const chunks: Buffer[] = [];
    for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
    writeFileSync(`${path}.new`, Buffer.concat(chunks));
    renameSync(`${path}.new`, path);
  }

  it('is served like a folder, and anew when it changes', async () => {
    const path = join(base, 'site.zip');
    const client = await start(
      (r) => {
        staticZip(r, '/z', path, (config) => {
          config.basePath = 'site';
        });
      },
      (app) => {
        app.install(PartialContent);
        app.install(ConditionalHeaders);
      },
    );
    expect(await said(client.get('/z/'))).toBe('404 ');
    await writeZip(path, {
      'site/index.html': 'one',
      'site/css/a.css': CSS,
      'site/stored.txt': '0123456789',
      'site/.env': 'secret',
      'secret.txt': 'secret',
    });
    expect(await said(client.get('/z/'))).toBe('200 one');
    expect(await said(client.get('/z/css/a.css'))).toBe(`200 ${CSS}`);
    expect(await said(client.get('/z/css'))).toBe('404 ');
    expect(await said(client.get('/z/.env'))).toBe('404 ');
    expect(await said(client.get('/z/secret.txt'))).toBe('404 ');
    expect((await client.get('/z/../secret.txt')).status).toBe(400);
    for (const file of ['css/a.css', 'stored.txt']) {
      const whole = await (await client.get(`/z/${file}`)).text();
      expect(await said(client.get(`/z/${file}`, { headers: { Range: 'bytes=4-8' } }))).toBe(
        `206 ${whole.slice(4, 9)}`,
      );
    }
    const tag = (await client.get('/z/')).header('etag') as string;
    expect((await client.get('/z/', { headers: { 'If-None-Match': tag } })).status).toBe(304);
    await writeZip(path, { 'site/index.html': 'two' });
    expect(await said(client.get('/z/', { headers: { 'If-None-Match': tag } }))).toBe('200 two');
    expect((await client.get('/z/stored.txt')).status).toBe(404);
    writeFileSync(`${path}.new`, 'no zip file');
    renameSync(`${path}.new`, path);
    expect((await client.get('/z/')).status).toBe(500);
    await writeZip(path, { 'site/index.html': 'three' });
    expect(await said(client.get('/z/'))).toBe('200 three');
  });
});
