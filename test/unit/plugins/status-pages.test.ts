import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { HttpError, NoContent, NotFoundError, routing } from 'portico';
import { StatusPages, type StatusPagesConfig } from 'portico/plugins/status-pages';
import { testApplication } from 'portico/testing';

class Failure extends Error {}
class SmallFailure extends Failure {}

function started(configure: (config: StatusPagesConfig) => void) {
  return testApplication((app) => {
    app.install(StatusPages, configure);
    routing(app, (r) => {
      r.get('/small', () => {
        throw new SmallFailure('small');
      });
      r.get('/text', () => {
        throw 'a text';
      });
      r.get('/gone', () => {
        throw new NotFoundError('not any more');
      });
      r.get('/secret', (call) =>
        call.respond(new NoContent({ status: 401, headers: ['WWW-Authenticate', 'Basic'] })),
      );
      r.get('/stream', async (call) => {
        await call.respondText('begun');
        throw new Failure('too late');
      });
    });
  });
}

describe('StatusPages', () => {
  it('takes the handler of the nearest class', async () => {
    const application = await started((config) => {
      config.exception(Error, (call) => call.respondText('error', undefined, 500));
      config.exception(Failure, (call, error) =>
        call.respondText(`failure ${error.message}`, undefined, 409),
      );
    });
    const response = await application.client.get('/small');
    expect([response.status, await response.text()]).toEqual([409, 'failure small']);
    await application.stop();
  });

  it('leaves errors without a handler to the engine, whose status it then answers', async () => {
    const application = await started((config) =>
      config.status(404, (call, status) => call.respondText('custom', undefined, status)),
    );
    const response = await application.client.get('/gone');
    expect([response.status, await response.text()]).toEqual([404, 'custom']);
    expect((await application.client.get('/text')).status).toBe(500);
    await application.stop();
  });

  it('answers for errors that have a status by their class', async () => {
    const application = await started((config) =>
      config.exception(HttpError, (call, error) => call.respondText(error.code, undefined, error.status)),
    );
    expect(await (await application.client.get('/gone')).text()).toBe('PORTICO_NOT_FOUND');
    await application.stop();
  });

  it('keeps the headers of the answer it replaces', async () => {
    const application = await started((config) =>
      config.status([401, 403], (call, status) => call.respondText('log in', undefined, status)),
    );
    const response = await application.client.get('/secret');
    expect([response.status, response.header('www-authenticate'), await response.text()]).toEqual([
      401,
      'Basic',
      'log in',
    ]);
    await application.stop();
  });

  it('sends pages from files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portico-pages-'));
    await writeFile(join(folder, 'error-404.html'), '<h1>404</h1>');
    const application = await started((config) => config.statusFile(404, join(folder, 'error-#.html')));
    const response = await application.client.get('/nowhere');
    expect([response.status, response.header('content-type'), await response.text()]).toEqual([
      404,
      'text/html; charset=UTF-8',
      '<h1>404</h1>',
    ]);
    await application.stop();
    await rm(folder, { recursive: true });
  });

  it('refuses a pattern without a place for the status', async () => {
    await expect(started((config) => config.statusFile(404, 'error.html'))).rejects.toMatchObject({
      code: 'PORTICO_STATUS_FILE',
    });
  });

  it('answers for calls that nobody has answered', async () => {
    const application = await started((config) =>
      config.unhandled((call) => call.respondText('nobody', undefined, 404)),
    );
    expect(await (await application.client.get('/nowhere')).text()).toBe('nobody');
    await application.stop();
  });

  it('answers nothing that was answered already, and ends when its own handler fails', async () => {
    const application = await started((config) =>
      config.exception(Error, () => {
        throw new Failure('in the handler');
      }),
    );
    expect((await application.client.get('/small')).status).toBe(500);
    expect(await (await application.client.get('/stream')).text()).toBe('begun');
    await application.stop();
  });
});
