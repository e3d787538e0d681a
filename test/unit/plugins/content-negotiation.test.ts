import { afterEach, describe, expect, it } from '@jest/globals';
import { type Application, type RootRoute, routing } from 'portico';
import {
  ContentConvertError,
  type ContentConverter,
  ContentNegotiation,
} from 'portico/plugins/content-negotiation';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import { z } from 'zod';

const lines: ContentConverter = {
  serialize: ({ value }) => (Array.isArray(value) ? value.join('\n') : undefined),
  async deserialize(context) {
    const text = await context.text();
    if (!text.endsWith('.')) throw new ContentConvertError('The body does not end with a full stop.');
    return text.slice(0, -1).split('\n');
  },
};
const LIST = z.array(z.string());

describe('ContentNegotiation', () => {
  let engine: TestApplicationEngine;
  afterEach(() => engine.stop(0));

  async function start(module: (app: Application) => void, routes: (r: RootRoute) => void) {
    engine = await testApplication((app) => {
      module(app);
      routing(app, routes);
    });
    return engine.client;
  }

  const install = (app: Application): void => {
    app.install(ContentNegotiation, (config) => {
      config.json();
      config.register('text/lines', lines);
    });
  };

  it.each([
    [undefined, 200, 'application/json', '["a","ü"]'],
    ['', 200, 'application/json', '["a","ü"]'],
    ['*/*', 200, 'application/json', '["a","ü"]'],
    ['text/*, application/json;q=0.5', 200, 'text/lines; charset=UTF-8', 'a\nü'],
    ['text/lines;q=0.5, application/json;q=0.5', 200, 'text/lines; charset=UTF-8', 'a\nü'],
    ['*/*, application/json;q=0', 200, 'text/lines; charset=UTF-8', 'a\nü'],
    ['*/*;q=0, application/json', 200, 'application/json', '["a","ü"]'],
    ['image/png', 406, undefined, ''],
    ['application/json;q=0', 406, undefined, ''],
    ['nonsense', 400, 'text/plain; charset=UTF-8', 'Accept is malformed.'],
    ['text/html;;;, =', 400, 'text/plain; charset=UTF-8', 'Accept is malformed.'],
  ])('answers Accept %j with %d', async (accept, status, type, body) => {
    const client = await start(install, (r) => r.get('/', () => ['a', 'ü']));
    const response = await client.get('/', accept === undefined ? {} : { headers: { Accept: accept } });
    expect([response.status, response.header('content-type'), await response.text()]).toEqual([
      status,
      type,
      body,
    ]);
    if (status === 200) expect(response.header('vary')).toBe('Accept');
  });

  it('writes the charset that is asked for, where it has all characters', async () => {
    const client = await start(install, (r) => r.get('/{what}', (call) => [call.parameters.what]));
    const get = async (path: string, charset: string) => {
      const response = await client.get(path, {
        headers: { Accept: 'text/lines', 'Accept-Charset': charset },
      });
      return [response.header('content-type'), (await response.bytes()).toString('hex')];
    };
    expect(await get('/%C3%BC', 'iso-8859-1')).toEqual(['text/lines; charset=iso-8859-1', 'fc']);
    expect(await get('/%E2%82%AC', 'iso-8859-1')).toEqual(['text/lines; charset=UTF-8', 'e282ac']);
    expect(await get('/%C3%BC', 'us-ascii')).toEqual(['text/lines; charset=UTF-8', 'c3bc']);
    expect(await get('/a', 'klingon, utf-16le;q=0.5')).toEqual(['text/lines; charset=utf-16le', '6100']);
  });

  it.each([
    ['application/json', '["a"]', 200, '["a"]'],
    ['application/problem+json', '["a"]', 200, '["a"]'],
    ['text/lines; charset=iso-8859-1', Buffer.from('ü\nb.', 'latin1'), 200, '["ü","b"]'],
    ['application/json', '["a"', 400, /^The body is not JSON/],
    ['application/json', '', 400, /^The body is not JSON/],
    ['application/json', '[1]', 400, /^The request is not valid: 0: /],
    ['application/json', 'null', 400, /^The request is not valid/],
    ['text/lines', 'a', 400, 'The body does not end with a full stop.'],
    ['text/lines; charset=klingon', 'a.', 400, /charset "klingon"/],
    ['text/csv', 'a', 415, /^Content-Type is text\/csv/],
    ['nonsense', 'a', 400, /malformed/],
    [undefined, 'a', 415, /^Content-Type is missing/],
  ])('takes %s: %j is %d %s', async (type, body, status, text) => {
    const client = await start(install, (r) => r.post('/', async (call) => call.receive(LIST)));
    const headers: Record<string, string> = type === undefined ? {} : { 'Content-Type': type };
    const response = await client.post('/', { body, headers });
    const answer = await response.text();
    expect([response.status, answer]).toEqual([
      status,
      text instanceof RegExp ? expect.stringMatching(text) : text,
    ]);
  });

  it('leaves forms to the default when no converter takes them', async () => {
    const client = await start(install, (r) =>
      r.post('/', async (call) => call.receive(z.object({ a: z.string() }))),
    );
    expect(await (await client.post('/', { form: { a: '1' } })).text()).toBe('{"a":"1"}');
  });

  it('fails with 413 for more than the handler takes, and 500 for a converter with a mistake', async () => {
    const broken = new TypeError('broken');
    const client = await start(
      (app) =>
        app.install(ContentNegotiation, (config) => {
          config.json();
          config.register('text/broken', {
            deserialize: () => {
              throw broken;
            },
          });
        }),
      (r) => r.post('/', async (call) => call.receive(LIST, { maxBytes: 10 })),
    );
    expect((await client.post('/', { json: ['x'.repeat(10)] })).status).toBe(413);
    expect((await client.post('/', { body: 'x', headers: { 'Content-Type': 'text/broken' } })).status).toBe(
      500,
    );
  });

  it('belongs to a route and what lies below', async () => {
    const client = await start(
      () => undefined,
      (r) => {
        r.route('/lines', (inner) => {
          inner.install(ContentNegotiation, (config) => config.register('text/lines', lines));
          inner.get(() => ['a', 'b']);
        });
        r.get('/other', () => ['a', 'b']);
      },
    );
    expect(await (await client.get('/lines')).text()).toBe('a\nb');
    expect(await (await client.get('/other')).text()).toBe('["a","b"]');
  });

  it('converts what is ignored no more, and ignores what it is told', async () => {
    class Raw {
      toJSON = () => 'raw';
    }
    const client = await start(
      (app) =>
        app.install(ContentNegotiation, (config) => {
          config.clearIgnoredTypes();
          config.ignoreType(Raw);
          config.json({ space: 1 });
        }),
      (r) => {
        r.get('/text', () => 'text');
        r.get('/raw', () => new Raw());
        r.get('/list', () => [1]);
      },
    );
    expect(await (await client.get('/text')).text()).toBe('"text"');
    expect(await (await client.get('/list')).text()).toBe('[\n 1\n]');
    expect(await (await client.get('/raw', { headers: { Accept: 'image/png' } })).text()).toBe('"raw"');
  });

  it('holds all answers against Accept when told so, but not errors', async () => {
    const client = await start(
      (app) =>
        app.install(ContentNegotiation, (config) => {
          config.checkAcceptHeaderCompliance = true;
        }),
      (r) => {
        r.get('/text', (call) => call.respondText('text'));
        r.get('/error', (call) => call.respondText('error', undefined, 409));
        r.get('/none', (call) => call.respondStatus(204));
      },
    );
    const status = async (path: string) =>
      (await client.get(path, { headers: { Accept: 'image/*' } })).status;
    expect([await status('/text'), await status('/error'), await status('/none')]).toEqual([406, 409, 204]);
  });
});
