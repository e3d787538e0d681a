import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { type Application, ApplicationSendPipeline, NotFoundError, routing, StreamContent } from 'portico';
import { AutoHeadResponse } from 'portico/plugins/auto-head-response';
import { CachingHeaders, caching } from 'portico/plugins/caching-headers';
import { Compression } from 'portico/plugins/compression';
import { ConditionalHeaders } from 'portico/plugins/conditional-headers';
import { DefaultHeaders } from 'portico/plugins/default-headers';
import { PartialContent } from 'portico/plugins/partial-content';
import { StatusPages } from 'portico/plugins/status-pages';
import { testApplication } from 'portico/testing';

const TEXT = 'all work and no play '.repeat(100);
const GZIP = { 'Accept-Encoding': 'gzip' };

/** A stream of one text, as a file would be. */
function streamOf(text: string): Readable {
  return new Readable({
    read() {
      this.push(text);
      this.push(null);
    },
  });
}

async function answerOf(module: (app: Application) => void, path: string, headers: Record<string, string>) {
  const application = await testApplication(module);
  const response = await application.client.get(path, { headers });
  const bytes = await response.bytes();
  await application.stop();
  const text = response.header('content-encoding') === 'gzip' ? gunzipSync(bytes) : bytes;
  return { status: response.status, headers: response.headers, text: text.toString() };
}

describe('StatusPages with Compression', () => {
  const module = (app: Application): void => {
    app.install(Compression);
    app.install(StatusPages, (config) => {
      config.status(404, (call, status) => call.respondText(`no page; ${TEXT}`, undefined, status));
      config.exception(RangeError, (call) => call.respondText(`sorry; ${TEXT}`, undefined, 500));
    });
    app.install(ConditionalHeaders, (config) =>
      config.version((call) => {
        if (call.localPath === '/hook') throw new RangeError('no version');
        return [];
      }),
    );
    routing(app, (r) => {
      r.get('/missing', (call) => call.respondText(TEXT, undefined, 404));
      r.get('/hook', (call) => call.respondText(TEXT));
    });
  };

  it.each([
    ['/missing', 404, 'no page; '],
    ['/unknown', 404, 'no page; '],
    ['/hook', 500, 'sorry; '],
  ])('compresses the page that takes the place of %s', async (path, status, begin) => {
    const answer = await answerOf(module, path, GZIP);
    expect([answer.status, answer.headers['vary'], answer.text]).toEqual([
      status,
      'Accept-Encoding',
      begin + TEXT,
    ]);
  });
});

describe('StatusPages', () => {
  it('lets go of the content that a page takes the place of, and of what told about it', async () => {
    const source = streamOf(TEXT);
    const answer = await answerOf(
      (app) => {
        app.install(StatusPages, (config) =>
          config.status(404, (call, status) => call.respondText('page', 'text/html', status)),
        );
        routing(app, (r) =>
          r.get('/', (call) => {
            call.response.header('ETag', '"v1"');
            call.response.header('X-Trace', '7');
            const headers = ['Content-Language', 'en', 'Retry-After', '9'];
            return call.respond(new StreamContent(source, { status: 404, length: TEXT.length, headers }));
          }),
        );
      },
      '/',
      {},
    );
    expect(source.destroyed).toBe(true);
    expect(answer).toEqual({
      status: 404,
      headers: { 'x-trace': '7', 'retry-after': '9', 'content-type': 'text/html', 'content-length': '4' },
      text: 'page',
    });
  });

  it('leaves an answer as it was when the handler for its status does not answer', async () => {
    const answer = await answerOf(
      (app) => {
        app.install(StatusPages, (config) => config.status(404, () => undefined));
        routing(app, (r) =>
          r.get('/', (call) => {
            call.response.header('ETag', '"v1"');
            const headers = ['Retry-After', '9'];
            return call.respond(new StreamContent(streamOf('none'), { status: 404, headers }));
          }),
        );
      },
      '/',
      {},
    );
    expect(answer.headers).toMatchObject({ etag: '"v1"', 'retry-after': '9' });
    expect(answer.text).toBe('none');
  });

  it('waits for a page that the handler did not wait for', async () => {
    const module = (app: Application): void => {
      // Something in the pipeline of answers that takes time.
      app.sendPipeline.intercept(ApplicationSendPipeline.Before, () => new Promise(setImmediate));
      app.install(StatusPages, (config) => {
        config.exception(Error, (call) => void call.respondText('sorry', undefined, 503));
        config.status(410, (call, status) => void call.respondText('gone', undefined, status));
      });
      routing(app, (r) => {
        r.get('/', () => {
          throw new Error('no');
        });
        r.get('/gone', (call) => call.respondStatus(410));
      });
    };
    expect(await answerOf(module, '/', {})).toMatchObject({ status: 503, text: 'sorry' });
    expect(await answerOf(module, '/gone', {})).toMatchObject({ status: 410, text: 'gone' });
  });
});

describe('an answer to an error', () => {
  const module = (app: Application): void => {
    app.install(CachingHeaders);
    app.install(StatusPages, (config) =>
      config.exception(RangeError, (call) => call.respondText('sorry', undefined, 500)),
    );
    routing(app, (r) => {
      for (const [path, error] of [
        ['/page', new RangeError('no')],
        ['/none', new TypeError('no')],
        ['/missing', new NotFoundError('no')],
      ] as const)
        r.get(path, (call) => {
          call.response.header('Content-Length', '5000');
          call.response.header('Content-Type', 'application/pdf');
          call.response.header('ETag', '"v1"');
          call.response.header('Expires', 'Thu, 01 Jan 2060 00:00:00 GMT');
          call.response.header('Cache-Control', call.request.queryString || 'max-age=60');
          call.response.header('X-Trace', '7');
          caching(call, { cacheControl: { type: 'max-age', maxAgeSeconds: 60, visibility: 'public' } });
          throw error;
        });
    });
  };

  it.each(['/page', '/none', '/missing'])(
    'has nothing of the content that %s was about to send',
    async (path) => {
      const { headers, text } = await answerOf(module, path, {});
      const { 'content-type': type, ...others } = headers;
      expect(type ?? 'text/plain; charset=UTF-8').toBe('text/plain; charset=UTF-8');
      expect(others).toEqual({ 'x-trace': '7', 'content-length': String(text.length) });
    },
  );

  it('is still not kept when that was forbidden', async () => {
    expect((await answerOf(module, '/missing?no-store', {})).headers['cache-control']).toBe('no-store');
  });
});

describe('sources of answers', () => {
  const sources: Readable[] = [];
  const module = (app: Application): void => {
    app.install(Compression);
    app.install(AutoHeadResponse);
    app.install(ConditionalHeaders);
    app.install(PartialContent);
    routing(app, (r) => {
      const opened = (): StreamContent => {
        const source = streamOf(TEXT);
        sources.push(source);
        return new StreamContent(source, { headers: ['ETag', '"v1"'], length: TEXT.length });
      };
      r.get('/', (call) => call.respond(opened()));
      r.get('/twice', async (call) => {
        await call.respondText('first');
        await call.respond(opened());
      });
    });
  };

  it.each([
    ['HEAD', '/', GZIP, 200],
    ['GET', '/', { ...GZIP, 'If-None-Match': '"v1"' }, 304],
    ['GET', '/', { Range: 'bytes=5-9', 'If-None-Match': '"v1"' }, 304],
    ['GET', '/', { Range: 'bytes=5-9' }, 206],
    ['GET', '/', { Range: 'bytes=5000-' }, 416],
    ['GET', '/twice', {}, 200],
  ])('are closed: %s %s %j', async (method, path, headers, status) => {
    const application = await testApplication(module);
    const response = await application.client.request(method, path, { headers });
    await response.bytes();
    expect(response.status).toBe(status);
    expect(sources.at(-1)?.destroyed).toBe(true);
    await application.stop();
  });
});

describe('a hook that fails', () => {
  it.each([
    ['at once', (): void => undefined],
    ['later', (): Promise<void> => new Promise(setImmediate)],
  ])('%s leaves no source open', async (_, before) => {
    for (const path of ['/content', '/stream']) {
      const source = streamOf(TEXT);
      const answer = await answerOf(
        (app) => {
          app.sendPipeline.intercept(ApplicationSendPipeline.Before, () => before());
          app.install(Compression);
          app.install(ConditionalHeaders, (config) =>
            config.version((_call, content) => {
              if (content.kind === 'stream') throw new TypeError('no version');
              return [];
            }),
          );
          routing(app, (r) =>
            r.get(path, (call) => call.respond(path === '/stream' ? source : new StreamContent(source))),
          );
        },
        path,
        GZIP,
      );
      expect([answer.status, source.destroyed]).toEqual([500, true]);
    }
  });
});

describe('how long an answer may be kept', () => {
  const module = (app: Application): void => {
    app.install(ConditionalHeaders);
    app.install(PartialContent);
    app.install(StatusPages, (config) =>
      config.status(416, (call, status) => call.respondText('no such part', undefined, status)),
    );
    app.install(CachingHeaders, (config) =>
      config.options((_call, { contentType }) =>
        contentType?.startsWith('text/html') === true
          ? { cacheControl: { type: 'max-age', maxAgeSeconds: 5 } }
          : undefined,
      ),
    );
    routing(app, (r) => {
      r.get('/', (call) => {
        call.response.header('ETag', '"v1"');
        return call.respondText(TEXT, 'text/html');
      });
      r.get('/failed', (call) => call.respondText('sorry', 'text/html', 503));
      r.get('/missing', (call) => call.respondText('sorry', 'text/html', 404));
    });
  };

  it.each([
    ['/', {}, 200, 'max-age=5'],
    ['/', { Range: 'bytes=0-2' }, 206, 'max-age=5'],
    ['/', { Range: 'bytes=0-2,5-6' }, 206, 'max-age=5'],
    ['/', { Range: 'bytes=9000-' }, 416, undefined],
    ['/', { 'If-Match': '"v0"' }, 412, undefined],
    ['/', { 'If-None-Match': '"v1"' }, 304, 'max-age=5'],
    ['/missing', {}, 404, 'max-age=5'],
    ['/failed', {}, 503, undefined],
  ])('%s %j', async (path, headers, status, cacheControl) => {
    const answer = await answerOf(module, path, headers as Record<string, string>);
    expect([answer.status, answer.headers['cache-control']]).toEqual([status, cacheControl]);
    if (status === 416) expect(answer.headers['content-range']).toBe(`bytes */${TEXT.length}`);
  });
});

describe('206', () => {
  it('says that the whole may come compressed', async () => {
    const answer = await answerOf(
      (app) => {
        app.install(Compression);
        app.install(PartialContent);
        routing(app, (r) => r.get('/', () => TEXT));
      },
      '/',
      { ...GZIP, Range: 'bytes=0-2' },
    );
    expect([answer.status, answer.headers['vary'], answer.text]).toEqual([206, 'Accept-Encoding', 'all']);
  });
});

describe('304', () => {
  it.each([
    ['behind', [CachingHeaders, ConditionalHeaders]],
    ['in front of', [ConditionalHeaders, CachingHeaders]],
  ])('says how long it may be kept, also with ConditionalHeaders installed %s', async (_, order) => {
    const answer = await answerOf(
      (app) => {
        for (const plugin of order)
          if (plugin === CachingHeaders)
            app.install(CachingHeaders, (config) =>
              config.options((_call, { contentType }) =>
                contentType?.startsWith('text/plain') === true
                  ? { cacheControl: { type: 'max-age', maxAgeSeconds: 5 } }
                  : undefined,
              ),
            );
          else app.install(ConditionalHeaders);
        app.install(DefaultHeaders);
        routing(app, (r) =>
          r.get('/', (call) => {
            call.response.header('ETag', '"v1"');
            return call.respondText('hi');
          }),
        );
      },
      '/',
      { 'If-None-Match': '"v1"' },
    );
    expect([answer.status, answer.headers['cache-control'], answer.headers['etag']]).toEqual([
      304,
      'max-age=5',
      '"v1"',
    ]);
  });
});
