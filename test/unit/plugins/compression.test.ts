import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  gunzipSync,
  gzipSync,
  inflateSync,
} from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { ConsoleLog, routing, StreamContent, WriterContent } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import {
  Compression,
  type CompressionConfig,
  suppressCompression,
  suppressDecompression,
} from 'portico/plugins/compression';
import { testApplication } from 'portico/testing';
import { settle, until } from '#test/support/polling.js';
import { RawClient } from '#test/support/raw-client.js';

const TEXT = 'all work and no play '.repeat(100);

function started(configure: (config: CompressionConfig) => void = () => undefined) {
  return testApplication((app) => {
    app.install(Compression, configure);
    routing(app, (r) => {
      r.get('/text', (call) => {
        call.response.header('ETag', '"v1"');
        return call.respondText(TEXT);
      });
      r.get('/stream', (call) => call.respond(new StreamContent(Readable.from([TEXT, TEXT]))));
      r.get('/writer', (call) =>
        call.respond(
          new WriterContent(async (writer) => {
            await writer.write(TEXT);
            await writer.write(TEXT);
          }),
        ),
      );
      r.get('/suppressed', (call) => {
        suppressCompression(call);
        return call.respondText(TEXT);
      });
      r.get('/final', (call) => {
        call.response.header('Cache-Control', 'max-age=60, no-transform');
        return call.respondText(TEXT);
      });
      r.post('/raw', async (call) => {
        if (call.request.queryString === 'suppressed') suppressDecompression(call);
        else suppressCompression(call);
        return String((await call.receiveBytes()).length);
      });
      r.get('/events', (call) => call.respondText(TEXT, 'text/event-stream'));
      r.get('/encoded', (call) => {
        call.response.header('Content-Encoding', 'gzip');
        return call.respondBytes(gzipSync(TEXT));
      });
      r.post('/echo', async (call) => {
        const text = await call.receiveText();
        return `${call.request.header('Content-Encoding') ?? 'none'} ${text}`;
      });
    });
  });
}

describe('Compression', () => {
  it('compresses contents of all kinds', async () => {
    const application = await started();
    const get = (path: string, coding: string) =>
      application.client.get(path, { headers: { 'Accept-Encoding': coding } });
    const text = await get('/text', 'gzip');
    expect(text.headers).toMatchObject({
      'content-encoding': 'gzip',
      vary: 'Accept-Encoding',
      etag: '"v1"',
      'content-type': 'text/plain; charset=UTF-8',
    });
    expect(gunzipSync(await text.bytes()).toString()).toBe(TEXT);
    expect(brotliDecompressSync(await (await get('/stream', 'br')).bytes()).toString()).toBe(TEXT + TEXT);
    expect(inflateSync(await (await get('/writer', 'deflate')).bytes()).toString()).toBe(TEXT + TEXT);
    await application.stop();
  });

  it.each(['/suppressed', '/events', '/final'])('leaves %s as it is', async (path) => {
    const application = await started();
    const response = await application.client.get(path, { headers: { 'Accept-Encoding': 'gzip' } });
    expect([response.header('content-encoding'), await response.text()]).toEqual([undefined, TEXT]);
    await application.stop();
  });

  it('tells caches of answers that were not compressed only because this client cannot read it', async () => {
    const application = await started();
    const vary = async (path: string, coding: string) =>
      (await application.client.get(path, { headers: { 'Accept-Encoding': coding } })).header('vary');
    expect([
      await vary('/text', 'identity'),
      await vary('/text', 'rot13'),
      await vary('/events', 'gzip'),
    ]).toEqual(['Accept-Encoding', 'Accept-Encoding', undefined]);
    await application.stop();
  });

  it('decodes requests whose answer is not compressed, unless that is suppressed too', async () => {
    const application = await started();
    const body = gzipSync('0123456789');
    const post = async (path: string, coding: string) => {
      const response = await application.client.post(path, { body, headers: { 'Content-Encoding': coding } });
      return response.text();
    };
    expect(await post('/raw', 'gzip')).toBe('10');
    expect(await post('/raw', 'x-gzip')).toBe('10');
    expect(await post('/raw?suppressed', 'gzip')).toBe(String(body.length));
    await application.stop();
  });

  it('does not compress twice', async () => {
    const application = await started();
    const response = await application.client.get('/encoded', { headers: { 'Accept-Encoding': 'gzip' } });
    expect(gunzipSync(await response.bytes()).toString()).toBe(TEXT);
    await application.stop();
  });

  it('decodes requests, also of several codings, and leaves what it does not know', async () => {
    const application = await started();
    const post = async (body: Uint8Array, coding: string) => {
      const response = await application.client.post('/echo', {
        body,
        headers: { 'Content-Encoding': coding },
      });
      return `${response.status} ${await response.text()}`;
    };
    expect(await post(gzipSync('hi'), 'gzip')).toBe('200 none hi');
    expect(await post(gzipSync(gzipSync('hi')), 'gzip, gzip')).toBe('200 none hi');
    expect(await post(Buffer.from('hi'), 'rot13')).toBe('200 rot13 hi');
    expect(await post(gzipSync('hi'), 'rot13, gzip')).toBe('200 rot13 hi');
    expect(await post(Buffer.from('no gzip'), 'gzip')).toMatch(/^400 /);
    expect(await post(gzipSync('hi').subarray(0, 12), 'gzip')).toMatch(/^400 /);
    expect(await post(gzipSync('hi'), 'gzip, gzip, gzip')).toMatch(/^400 /);
    await application.stop();
  });

  it('stops a bomb', async () => {
    const application = await started((config) => {
      config.maxDecodedBytes = 10_000;
    });
    const response = await application.client.post('/echo', {
      body: gzipSync(Buffer.alloc(5_000_000)),
      headers: { 'Content-Encoding': 'gzip' },
    });
    expect(response.status).toBe(413);
    await application.stop();
  });

  it('may do one direction only, some types only, and codings only once', async () => {
    const application = await started((config) => {
      config.mode = 'responses';
      config.matchContentType('application/json');
    });
    const headers = { 'Accept-Encoding': 'gzip', 'Content-Encoding': 'gzip' };
    expect((await application.client.get('/text', { headers })).header('content-encoding')).toBeUndefined();
    const response = await application.client.post('/echo', { body: 'plain', headers });
    expect(await response.text()).toBe('gzip plain');
    await application.stop();
    await expect(
      started((config) => {
        config.gzip();
        config.gzip();
      }),
    ).rejects.toMatchObject({ code: 'PORTICO_COMPRESSION' });
  });

  it('is understood by a real client', async () => {
    const server = embeddedServer(CIO, { port: 0, host: '127.0.0.1' }, (app) => {
      app.install(Compression);
      routing(app, (r) => r.get('/', (call) => call.respondText(TEXT)));
    });
    await server.start();
    const [connector] = await server.resolvedConnectors();
    const response = await fetch(`http://127.0.0.1:${connector?.port}/`);
    expect([response.headers.get('content-encoding'), await response.text()]).toEqual(['gzip', TEXT]);
    await server.stop();
  });

  it.each([
    ['gzip', createGunzip],
    ['br', createBrotliDecompress],
  ])('gives %s of a live stream as it comes', async (coding, decoder) => {
    const live = new Readable({ read: () => undefined });
    const application = await testApplication((app) => {
      app.install(Compression);
      routing(app, (r) => r.get('/', (call) => call.respond(new StreamContent(live))));
    });
    const response = await application.client.get('/', { headers: { 'Accept-Encoding': coding } });
    const texts = Readable.from(response.chunks())
      .pipe(decoder())
      .setEncoding('utf8')
      [Symbol.asyncIterator]();
    for (const text of ['one', 'two']) {
      live.push(text);
      expect(await texts.next()).toEqual({ done: false, value: text });
    }
    live.push(null);
    expect(await texts.next()).toMatchObject({ done: true });
    await application.stop();
  });

  it.each(['stream', 'writer'])('lets go of a %s that waits when the client leaves', async (kind) => {
    const source = new Readable({ read: () => undefined });
    const failure = new Promise<unknown>((resolve) => {
      source.once('close', () => resolve('closed'));
    });
    let failed: Promise<unknown> = failure;
    const server = embeddedServer(
      CIO,
      { port: 0, host: '127.0.0.1', log: new ConsoleLog('silent') },
      (app) => {
        app.install(Compression, (config) => config.gzip());
        routing(app, (r) =>
          r.get('/', (call) => {
            if (kind === 'stream') return call.respond(new StreamContent(source));
            return call.respond(
              new WriterContent((writer) => {
                const writing = (async () => {
                  for (;;) {
                    await writer.write(randomBytes(4096));
                    await settle(1);
                  }
                })();
                failed = writing.catch(() => 'closed');
                return writing;
              }),
            );
          }),
        );
      },
    );
    await server.start();
    const [connector] = await server.resolvedConnectors();
    const client = await RawClient.open(connector?.port ?? 0);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
    if (kind === 'stream') source.push('begin');
    await until('the answer has begun', () => client.socket.bytesRead > 0);
    client.socket.destroy();
    expect(await failed).toBe('closed');
    await server.stop();
    source.destroy();
  });
});
