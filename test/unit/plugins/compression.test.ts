import { Readable } from 'node:stream';
import { brotliDecompressSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { routing, StreamContent, WriterContent } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import { Compression, type CompressionConfig, suppressCompression } from 'portico/plugins/compression';
import { testApplication } from 'portico/testing';

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

  it.each(['/suppressed', '/events'])('leaves %s as it is', async (path) => {
    const application = await started();
    const response = await application.client.get(path, { headers: { 'Accept-Encoding': 'gzip' } });
    expect([response.header('content-encoding'), await response.text()]).toEqual([undefined, TEXT]);
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
});
