import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Application } from 'portico';
import type { ApplicationEngine, EmbeddedEngine } from 'portico/embedded';
import type { TestRequestOptions } from 'portico/testing';
import { LIFECYCLE_EVENTS } from '#host/application/application-events.js';
import { startEmbedded } from '#test/support/embedded-engine.js';
import { engineModule, type Probe } from '#test/support/engine-module.js';
import { sendHttp } from '#test/support/http-engine-client.js';
import { WAIT_MS } from '#test/support/polling.js';

/** A response as the suite reads it. */
export interface ReadResponse {
  readonly status: number;
  header(name: string): string | undefined;
  text(): Promise<string>;
  chunks(): AsyncGenerator<Buffer>;
  cancel(): void;
}

/** A started engine with one application. */
export interface EngineUnderTest {
  readonly engine: ApplicationEngine;
  request(method: string, target: string, options?: TestRequestOptions): Promise<ReadResponse>;
}

/** Names of the events from here on. */
function recordEvents(engine: ApplicationEngine): string[] {
  const names: string[] = [];
  for (const event of LIFECYCLE_EVENTS) engine.monitor.subscribe(event, () => void names.push(event.name));
  return names;
}

/** Starts an engine with one module. */
export type EngineFactory = (module: (application: Application) => void) => Promise<EngineUnderTest>;

/** The suite for an engine with sockets of its own, asked over them. */
export function embeddedEngineSuite(kind: EmbeddedEngine): void {
  const start: EngineFactory = async (module) => {
    const { engine, port } = await startEmbedded(kind, module);
    return { engine, request: (method, target, options) => sendHttp(port, method, target, options) };
  };
  engineSuite(kind.name, start, { rootPath: '', refusesAfterStop: false });
}

/** What every engine must do. `refusesAfterStop`: requests after the stop get 503 instead of no connection. */
export function engineSuite(
  name: string,
  start: EngineFactory,
  { rootPath, refusesAfterStop }: { readonly rootPath: string; readonly refusesAfterStop: boolean },
): void {
  describe(`engine ${name}`, () => {
    let engine: ApplicationEngine;
    let request: EngineUnderTest['request'];
    let probe: Probe;

    beforeEach(async () => {
      const made = engineModule();
      probe = made.probe;
      ({ engine, request } = await start(made.module));
    });
    afterEach(() => engine.stop(0));

    async function read(method: string, target: string, options?: TestRequestOptions) {
      const response = await request(method, target, options);
      return [response.status, await response.text()] as const;
    }

    it('answers a text as UTF-8 with type and length', async () => {
      const response = await request('GET', '/text');
      expect(await response.text()).toBe('grüße');
      expect(response.status).toBe(200);
      expect(response.header('Content-Type')).toBe('text/plain; charset=UTF-8');
      expect(response.header('Content-Length')).toBe('7');
    });

    it('answers with the type and status given', async () => {
      const response = await request('GET', '/html');
      expect([response.status, response.header('content-type')]).toEqual([201, 'text/html; charset=UTF-8']);
    });

    it.each([
      ['/', 200, 'root'],
      ['/json/a%20b?q=1+2', 200, '{"id":"a b","q":"1 2"}'],
      ['/returned', 200, 'returned'],
      ['/later', 200, '{"later":true}'],
      ['/rest/a/b/', 200, 'a|b|'],
      ['/bytes', 200, '\u0001\u0002\u0003'],
      ['/status', 418, ''],
      ['/nothing', 404, ''],
      ['/no-content', 204, ''],
      ['/headers', 200, 'own type'],
      ['/twice', 200, 'first'],
      ['/inject', 500, ''],
      ['/inject-redirect', 500, ''],
      ['/unsafe', 500, ''],
      ['/throw', 500, ''],
      ['/throw-later', 500, ''],
      ['/throw-null', 500, ''],
      ['/bad', 400, 'that is bad'],
      ['/missing', 400, 'Request parameter needed is missing.'],
      ['/not-found', 404, 'no such item'],
      ['/timeout', 504, ''],
      ['/undefined-json', 406, ''],
      ['/response', 201, 'of fetch'],
      ['/response-empty', 204, ''],
      ['/promise', 200, 'awaited'],
      ['/blob', 200, 'of a blob'],
      ['/array-buffer', 200, 'AB'],
      ['/error-value', 404, 'returned, not thrown'],
      ['/text-number', 500, ''],
      ['/header-number', 500, ''],
      ['/bad-chunk', 500, ''],
      ['/big-int', 500, ''],
      ['/to-json', 400, 'not as JSON'],
      ['/content-length-3', 500, ''],
      ['/content-length-30', 500, ''],
      ['/content-length-many', 500, ''],
      ['/no-such-route', 404, ''],
      ['/readable', 200, 'abc'],
      ['/generator', 200, 'gen'],
      ['/web', 200, 'web'],
      ['/writer', 200, 'one two'],
      ['/not-awaited', 200, 'not awaited'],
    ])('GET %s is %i %j', async (target, status, text) => {
      expect(await read('GET', target)).toEqual([status, text]);
    });

    it('sends an error without the fields that described what was not sent', async () => {
      const response = await request('GET', '/half-made');
      expect([response.status, await response.text()]).toEqual([400, 'not made']);
      expect(response.header('Content-Type')).toBe('text/plain; charset=UTF-8');
      expect(response.header('X-A')).toBe('x');
      for (const name of ['Cache-Control', 'Content-Disposition'])
        expect(response.header(name)).toBeUndefined();
    });

    it('sends status, type and fields of a Response of fetch', async () => {
      const response = await request('GET', '/response');
      expect([response.header('X-A'), response.header('Content-Type')]).toEqual(['1', 'text/x']);
    });

    it('names the methods that are there with 405', async () => {
      const response = await request('DELETE', '/twice');
      expect([response.status, response.header('Allow')]).toEqual([405, 'GET, POST']);
    });

    it('answers HEAD only where there is a route for it, without a body', async () => {
      const response = await request('HEAD', '/text');
      expect([response.status, await response.text(), response.header('content-type')]).toEqual([
        200,
        '',
        'text/plain; charset=UTF-8',
      ]);
      expect((await request('HEAD', '/html')).status).toBe(405);
    });

    it('sends own headers, and its Content-Type instead of the default', async () => {
      const response = await request('GET', '/headers');
      expect([response.header('X-A'), response.header('Content-Type')]).toEqual(['1, 2', 'text/x']);
    });

    it('tells the path relative to the application, the URI as the client sees it', async () => {
      const response = await request('GET', '/uri?a=b');
      expect(JSON.parse(await response.text())).toEqual([`${rootPath}/uri?a=b`, '/uri', `${rootPath}/x`]);
    });

    it('redirects to a path of the application', async () => {
      const response = await request('GET', '/redirect');
      expect([response.status, response.header('Location')]).toEqual([302, `${rootPath}/text`]);
    });

    it.each([
      ['/echo-text', { body: 'grüße' }, 200, 'grüße'],
      [
        '/echo-text',
        {
          body: Buffer.from('gr\xfc\xdfe', 'latin1'),
          headers: { 'Content-Type': 'text/plain; charset=ISO-8859-1' },
        },
        200,
        'grüße',
      ],
      ['/echo-json', { json: { a: [1] } }, 200, '{"got":{"a":[1]}}'],
      [
        '/echo-json',
        { body: '{}', headers: { 'Content-Type': 'application/problem+json' } },
        200,
        '{"got":{}}',
      ],
      ['/echo-json', { body: '{}', headers: { 'Content-Type': 'text/plain' } }, 415, undefined],
      ['/echo-json', { body: '{}', headers: { 'Content-Type': 'nonsense' } }, 400, undefined],
      ['/echo-json', { body: '{"a":', headers: { 'Content-Type': 'application/json' } }, 400, undefined],
      ['/echo-form', { form: { a: '1 2', b: 'ü' } }, 200, '{"a":["1 2"],"b":["ü"]}'],
      [
        '/echo-form',
        { body: 'a=%zz', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
        400,
        undefined,
      ],
      ['/small', { body: '0123456789' }, 200, '10'],
      ['/small', { body: '0123456789x' }, 413, undefined],
      ['/twice', { body: 'x' }, 500, ''],
      ['/ignore', { body: 'x'.repeat(1000) }, 200, 'ignored'],
    ] as readonly (readonly [string, TestRequestOptions, number, string | undefined])[])(
      'POST %s with %j is %i',
      async (target, options, status, text) => {
        const [actualStatus, actualText] = await read('POST', target, options);
        expect(actualStatus).toBe(status);
        if (text !== undefined) expect(actualText).toBe(text);
      },
    );

    it('refuses a body of unknown length once it is too large', async () => {
      async function* body() {
        yield Buffer.from('01234');
        yield Buffer.from('56789x');
      }
      expect((await read('POST', '/small', { body: body() }))[0]).toBe(413);
    });

    it('receives a body larger than any window', async () => {
      expect(await read('POST', '/length', { body: Buffer.alloc(3_000_000) })).toEqual([200, '3000000']);
    });

    it('streams a body through and back', async () => {
      const body = Buffer.alloc(2_000_000, 'abcdefghi');
      const response = await request('POST', '/pipe', { body });
      expect((await response.text()) === body.toString()).toBe(true);
    });

    it('does not read a source faster than the client, and stops it when the client goes', async () => {
      const response = await request('GET', '/endless');
      const chunks = response.chunks();
      await chunks.next();
      let before = -1;
      while (before !== probe.given) {
        before = probe.given;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(probe.given).toBeGreaterThan(0);
      response.cancel();
      await probe.stopped;
    });

    it.each(['/failing', '/short'])('truncates visibly when the body of %s breaks', async (target) => {
      const response = await request('GET', target);
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow();
    });

    it('tells the handler when the client goes', async () => {
      const controller = new AbortController();
      const pending = request('GET', '/hang', { signal: controller.signal });
      pending.catch(() => undefined);
      await probe.hanging;
      controller.abort();
      await probe.aborted;
    });

    it('lets running calls finish when it is stopped', async () => {
      const pending = read('GET', '/gate');
      await probe.atGate;
      const stopping = engine.stop(WAIT_MS);
      probe.open();
      expect(await pending).toEqual([200, 'through the gate']);
      await stopping;
    });

    it('cuts calls that outlast the grace', async () => {
      const pending = read('GET', '/gate').then(
        ([status]) => status,
        () => 'cut',
      );
      await probe.atGate;
      await engine.stop(20, 1000);
      expect([502, 'cut']).toContain(await pending);
    });

    it('answers others while a handler never ends, and cuts it at the stop', async () => {
      const controller = new AbortController();
      const pending = request('GET', '/never', { signal: controller.signal }).then(
        ({ status }) => status,
        () => 'cut',
      );
      expect(await read('GET', '/text')).toEqual([200, 'grüße']);
      await engine.stop(20, 1000);
      expect([502, 'cut']).toContain(await pending);
    });

    it('has the time to stop from its settings', async () => {
      const stopping = engine.stop();
      expect(engine.stop()).toBe(stopping);
      await stopping;
    });

    it('raises the events of the stop once and in order', async () => {
      const events = recordEvents(engine);
      await Promise.all([engine.stop(100), engine.stop(100)]);
      expect(events).toEqual(['ApplicationStopPreparing', 'ApplicationStopping', 'ApplicationStopped']);
    });

    it('starts once only', async () => {
      await expect(engine.start()).rejects.toMatchObject({ code: 'PORTICO_ENGINE_STATE' });
    });

    it('is reloaded: another application, no overlap, connectors stay open', async () => {
      const events = recordEvents(engine);
      const before = engine.application;
      const reloading = engine.reload();
      const held = [read('GET', '/text'), read('POST', '/echo-text', { body: 'kept' })];
      await reloading;
      expect(engine.application).not.toBe(before);
      expect(events).toEqual([
        'ApplicationStopping',
        'ApplicationStopped',
        'ApplicationStarting',
        'ApplicationModulesLoading',
        'ApplicationModulesLoaded',
        'ApplicationStarted',
      ]);
      expect(await Promise.all(held)).toEqual([
        [200, 'grüße'],
        [200, 'kept'],
      ]);
    });

    it('answers 500 after a reload that failed, until one succeeds', async () => {
      probe.failNextStart = true;
      await expect(engine.reload()).rejects.toThrow('the module failed');
      expect(() => engine.application).toThrow('Application is not loaded; check logs for details');
      expect((await read('GET', '/text'))[0]).toBe(500);
      await engine.reload();
      expect(await read('GET', '/text')).toEqual([200, 'grüße']);
      probe.failNextStart = true;
      await expect(engine.reload()).rejects.toThrow('the module failed');
    });

    it('gives up calls that are running when it is reloaded', async () => {
      const pending = request('GET', '/hang').then(
        ({ status }) => status,
        () => 'cut',
      );
      await probe.hanging;
      await engine.reload();
      await probe.aborted;
      expect([502, 'cut']).toContain(await pending);
    });

    it('accepts nothing after the stop', async () => {
      await engine.stop(0);
      await engine.stop(0);
      const outcome = request('GET', '/text').then(
        ({ status }) => status,
        () => 'refused',
      );
      expect(await outcome).toBe(refusesAfterStop ? 503 : 'refused');
    });
  });
}
