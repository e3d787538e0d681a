import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { routing, StreamContent, WriterContent } from 'portico';
import { AutoHeadResponse } from 'portico/plugins/auto-head-response';
import { CachingHeaders, caching } from 'portico/plugins/caching-headers';
import { ConditionalHeaders } from 'portico/plugins/conditional-headers';
import { PartialContent } from 'portico/plugins/partial-content';
import { testApplication } from 'portico/testing';

describe('CachingHeaders', () => {
  it('merges what is said about an answer, and leaves what the answer says', async () => {
    const application = await testApplication((app) => {
      app.install(CachingHeaders, (config) => {
        config.options((_call, { contentType }) =>
          contentType?.startsWith('text/css') === true
            ? { cacheControl: { type: 'max-age', maxAgeSeconds: 3600 }, expiresMs: 0 }
            : undefined,
        );
      });
      routing(app, (r) => {
        r.get('/css', (call) => call.respondText('a {}', 'text/css'));
        r.get('/mine', (call) => {
          caching(call, { cacheControl: { type: 'max-age', maxAgeSeconds: 60, visibility: 'private' } });
          return call.respondText('a {}', 'text/css');
        });
        r.get('/own', (call) => {
          call.response.header('Cache-Control', 'no-store');
          return call.respondText('a {}', 'text/css');
        });
        r.get('/text', (call) => call.respondText('x'));
      });
    });
    const controls = await Promise.all(
      ['/css', '/mine', '/own', '/text'].map(
        async (path) => (await application.client.get(path)).headers['cache-control'],
      ),
    );
    expect(controls).toEqual(['max-age=3600', 'max-age=60, private', 'no-store', undefined]);
    expect((await application.client.get('/css')).header('expires')).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
    await application.stop();
  });
});

describe('ranges of streams', () => {
  it('are cut out, or read from their place, alone or several', async () => {
    const opened: string[] = [];
    const application = await testApplication((app) => {
      app.install(AutoHeadResponse);
      app.install(PartialContent);
      app.install(ConditionalHeaders);
      routing(app, (r) => {
        r.get('/stream', (call) =>
          call.respond(new StreamContent(Readable.from(['01234', '56789']), { length: 10 })),
        );
        r.get('/file', (call) =>
          call.respond(
            new StreamContent(Readable.from(['0123456789']), {
              length: 10,
              headers: ['ETag', '"v1"'],
              slice: (first, last) => {
                opened.push(`${first}-${last}`);
                return Readable.from(['0123456789'.slice(first, last + 1)]);
              },
            }),
          ),
        );
      });
    });
    const get = async (path: string, headers: Record<string, string>) => {
      const response = await application.client.get(path, { headers });
      return { status: response.status, type: response.header('content-type'), text: await response.text() };
    };
    expect(await get('/stream', { Range: 'bytes=3-6' })).toMatchObject({ status: 206, text: '3456' });
    expect(await get('/file', { Range: 'bytes=-2' })).toMatchObject({ status: 206, text: '89' });
    const several = await get('/file', { Range: 'bytes=0-1,4-5' });
    const boundary = /boundary=(.*)/.exec(several.type ?? '')?.[1];
    expect(several.text.split(`--${boundary}`).map((part) => part.split('\r\n\r\n')[1]?.trim())).toEqual([
      undefined,
      '01',
      '45',
      undefined,
    ]);
    expect(opened).toEqual(['8-9', '0-1', '4-5']);
    expect(await get('/stream', { Range: 'bytes=0-1,4-5' })).toMatchObject({
      status: 200,
      text: '0123456789',
    });
    expect(await get('/file', { 'If-None-Match': '"v1"' })).toMatchObject({ status: 304, text: '' });
    const head = await application.client.request('HEAD', '/file');
    expect([head.status, head.header('content-length'), await head.text()]).toEqual([200, '10', '']);
    await application.stop();
  });

  it('count with GET only', async () => {
    const application = await testApplication((app) => {
      app.install(PartialContent);
      routing(app, (r) => r.post('/', (call) => call.respondText('0123')));
    });
    const response = await application.client.post('/', { headers: { Range: 'bytes=0-1' } });
    expect([response.status, await response.text()]).toEqual([200, '0123']);
    await application.stop();
  });
});

describe('ranges', () => {
  it('are of contents whose length the handler has said itself, and not of written ones in several parts', async () => {
    const application = await testApplication((app) => {
      app.install(PartialContent);
      routing(app, (r) => {
        r.get('/said', (call) => {
          call.response.header('Content-Length', '10');
          return call.respondText('0123456789');
        });
        r.get('/written', (call) =>
          call.respond(new WriterContent((writer) => writer.write('0123456789'), { length: 10 })),
        );
      });
    });
    const get = async (path: string, range: string) => {
      const response = await application.client.get(path, { headers: { Range: range } });
      return [response.status, response.header('content-length'), await response.text()];
    };
    expect(await get('/said', 'bytes=0-1')).toEqual([206, '2', '01']);
    expect(await get('/written', 'bytes=0-1,4-5')).toEqual([200, '10', '0123456789']);
    await application.stop();
  });
});

describe('ConditionalHeaders', () => {
  async function statusOf(etag: string, headers: Record<string, string>): Promise<string> {
    const application = await testApplication((app) => {
      app.install(ConditionalHeaders, (config) =>
        config.version(() => [{ etag }, { lastModifiedMs: Date.UTC(2020, 0, 2) }]),
      );
      routing(app, (r) => r.get('/', () => 'hi'));
    });
    const response = await application.client.get('/', { headers });
    await application.stop();
    return `${response.status} ${response.header('etag')}`;
  }

  it.each(['v1', '"v1"'])('takes a tag written as %s', async (etag) => {
    expect(await statusOf(etag, { 'If-None-Match': '"v1"' })).toBe('304 "v1"');
  });

  it('takes a weak tag', async () => {
    expect(await statusOf('W/"v1"', { 'If-None-Match': '"v1"' })).toBe('304 W/"v1"');
    expect(await statusOf('W/"v1"', { 'If-Match': '"v1"' })).toBe('412 W/"v1"');
  });

  it.each(['5', 'x 1', '2019-01-01', 'Tue, 01 Jan 2019', '01 Jan 2019 00:00:00 +0100'])(
    'does not take %j for a date',
    async (text) => {
      expect(await statusOf('v1', { 'If-Unmodified-Since': text })).toBe('200 "v1"');
    },
  );
});
