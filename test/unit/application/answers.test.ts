import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type Application,
  ApplicationSendPipeline,
  HttpError,
  type PorticoError,
  routing,
  StreamContent,
} from 'portico';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import { until } from '#test/support/polling.js';
import { RecordingLog } from '#test/support/recording-log.js';

describe('an answer', () => {
  let engine: TestApplicationEngine;
  let log: RecordingLog;
  afterEach(() => engine.stop(0));
  const start = async (module: (application: Application) => void, settings = {}): Promise<void> => {
    log = new RecordingLog();
    engine = await testApplication(module, { log, ...settings });
  };
  const thrownBy = (act: () => unknown): PorticoError | undefined => {
    try {
      act();
    } catch (error) {
      return error as PorticoError;
    }
    return undefined;
  };

  it('that fails behind its head is logged as an error of ours', async () => {
    await start(
      (app) =>
        void routing(app, (r) => {
          r.get('/late', async (call) => {
            await call.respondText('one');
            throw new Error('too late');
          });
          r.get('/stream', (call) =>
            call.respondStream(
              (async function* () {
                yield 'a';
                throw new Error('the source broke');
              })(),
            ),
          );
          r.get('/writer', (call) =>
            call.respondWriter(() => {
              throw new Error('the writer broke');
            }),
          );
        }),
    );
    await (await engine.client.get('/late')).text();
    for (const path of ['/stream', '/writer'])
      await expect(engine.client.get(path).then((response) => response.text())).rejects.toThrow();
    const first = await until('all are logged', async () => {
      const errors = log.of('error').map((line) => line.split('\n')[0]);
      return errors.length >= 3 ? errors : undefined;
    });
    expect(first).toEqual([
      expect.stringContaining('GET /late failed behind its answer: too late'),
      expect.stringContaining('GET /stream failed behind its answer: the source broke'),
      expect.stringContaining('GET /writer failed behind its answer: the writer broke'),
    ]);
  });

  it('that is the second one is not sent, and its source is let go', async () => {
    const source = Readable.from(['never read']);
    await start(
      (app) =>
        void routing(app, (r) => {
          r.get('/', async (call) => {
            await call.respondText('first');
            await call.respondStream(source);
          });
        }),
    );
    expect(await (await engine.client.get('/')).text()).toBe('first');
    await until('the source is destroyed', async () => (source.destroyed ? true : undefined));
  });

  it('of what JSON does not know is 406, with a warning', async () => {
    await start((app) => void routing(app, (r) => void r.get('/', (call) => call.respond(undefined))));
    expect((await engine.client.get('/')).status).toBe(406);
    expect(log.of('warn')).toEqual([
      'GET / was answered with undefined, which JSON does not know; 406 is sent.',
    ]);
  });

  it('must be a content behind Render', async () => {
    await start((app) => {
      app.sendPipeline.intercept(ApplicationSendPipeline.After, (run) => {
        if (run.call.localPath === '/broken') run.subject = 'a text';
      });
      routing(app, (r) => void r.get('/broken', () => 'x'));
    });
    expect((await engine.client.get('/broken')).status).toBe(500);
    expect(log.of('error').join()).toContain('ended with the text "a text"');
  });

  it('sends a redirect with everything beyond ASCII encoded, once', async () => {
    await start(
      (app) =>
        void routing(app, (r) => {
          r.get('/a', (call) => call.respondRedirect('/ä€/%C3%A4?q=😀'));
          r.get('/b', (call) => call.respondRedirect('/moved', true));
        }),
    );
    const client = engine.client;
    const [a, b] = [await client.get('/a'), await client.get('/b')];
    expect([a.status, a.header('Location')]).toEqual([302, '/%C3%A4%E2%82%AC/%C3%A4?q=%F0%9F%98%80']);
    expect([b.status, b.header('Location')]).toEqual([301, '/moved']);
  });

  it('sends what fetch got, without the fields of the connection it came on', async () => {
    await start(
      (app) =>
        void routing(app, (r) => {
          r.get('/', () => {
            const fetched = new Response('plain', {
              headers: { 'Content-Encoding': 'gzip', 'Content-Length': '3', Connection: 'close', 'X-A': '1' },
            });
            Object.defineProperty(fetched, 'url', { value: 'http://a.example/' });
            return fetched;
          });
        }),
    );
    const response = await engine.client.get('/');
    expect(await response.text()).toBe('plain');
    expect(
      ['X-A', 'Content-Encoding', 'Content-Length', 'Connection'].map((name) => response.header(name)),
    ).toEqual(['1', undefined, undefined, undefined]);
  });

  it('goes from the root path to the root path with a slash, unless something answers there', async () => {
    const inner = (app: Application): void => void routing(app, (r) => void r.get('/', () => 'root'));
    await start(inner, { rootPath: '/shop' });
    const response = await engine.client.get('/shop?a=1');
    expect([response.status, response.header('Location')]).toEqual([302, '/shop/?a=1']);
    expect(await (await engine.client.get('/shop/')).text()).toBe('root');
    expect((await engine.client.post('/shop')).status).toBe(404);
    expect((await engine.client.get('/shopping')).status).toBe(404);
    await engine.stop(0);
    await start((app) => void routing(app, (r) => void r.handle(() => 'here')), { rootPath: '/shop' });
    expect(await (await engine.client.get('/shop')).text()).toBe('here');
  });

  it('may be a file, of a folder only where a client names it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portico-files-'));
    try {
      await mkdir(join(folder, 'public/inner'), { recursive: true });
      await writeFile(join(folder, 'public/a.html'), '<p>grüße');
      await writeFile(join(folder, 'public/inner/empty.txt'), '');
      await writeFile(join(folder, 'public/.env'), 'SECRET=1');
      await writeFile(join(folder, 'secret.txt'), 'secret');
      await symlink(join(folder, 'secret.txt'), join(folder, 'public/link.txt'));
      await start(
        (app) =>
          void routing(app, (r) => {
            r.get('/own', (call) =>
              call.respondFile(join(folder, 'secret.txt'), { status: 201, headers: ['X-A', '1'] }),
            );
            r.get('/folder', (call) => call.respondFile(folder));
            r.get('/named', (call) =>
              call.respondFile(call.request.queryParameters.require('f'), { folder: join(folder, 'public') }),
            );
          }),
      );
      const get = async (path: string) => {
        const response = await engine.client.get(path);
        return [response.status, response.header('Content-Type'), await response.text()];
      };
      expect(await get('/own')).toEqual([201, 'text/plain; charset=utf-8', 'secret']);
      expect(await get('/named?f=a.html')).toEqual([200, 'text/html; charset=utf-8', '<p>grüße']);
      expect(await get('/named?f=/inner/empty.txt')).toEqual([200, 'text/plain; charset=utf-8', '']);
      const head = await engine.client.get('/own');
      expect([head.header('X-A'), head.header('Content-Length')]).toEqual(['1', '6']);
      expect(Date.parse(head.header('Last-Modified') ?? '')).toBeLessThanOrEqual(Date.now());
      for (const name of [
        '../secret.txt',
        '..%2fsecret.txt',
        'inner/../../secret.txt',
        'link.txt',
        '.env',
        'inner',
        '',
        'no',
        '%00',
      ])
        expect([name, (await get(`/named?f=${name}`))[0]]).toEqual([name, 404]);
      expect((await get('/folder'))[0]).toBe(404);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('has contents and errors that say at once what is wrong', async () => {
    await start(() => undefined);
    expect(thrownBy(() => new StreamContent('text' as never))?.code).toBe('PORTICO_INVALID_CONTENT');
    expect(thrownBy(() => new HttpError(200, 'X', 'fine'))?.code).toBe('PORTICO_INVALID_STATUS');
    expect(thrownBy(() => new HttpError(Number.NaN, 'X', 'fine'))?.code).toBe('PORTICO_INVALID_STATUS');
  });
});
