import { afterEach, describe, expect, it } from '@jest/globals';
import { ApplicationCallPipeline, MediaType, type RootRoute, routing, select } from 'portico';
import { type TestApplicationEngine, testApplication } from 'portico/testing';

describe('routes by more than their path', () => {
  let engine: TestApplicationEngine | undefined;
  afterEach(() => engine?.stop(0));
  const start = async (configure: (root: RootRoute) => void): Promise<void> => {
    engine = await testApplication((app) => void routing(app, configure));
  };
  const get = async (target: string, headers: Record<string, string> = {}): Promise<string> => {
    const response = await engine?.client.get(target, { headers });
    return response?.status === 200 ? response.text() : String(response?.status);
  };

  it('choose by query parameters', async () => {
    await start((r) => {
      r.route('/items', (items) => {
        items.param('order', 'desc', (route) => route.get(() => 'descending'));
        items.param('page', (route) => route.get((call) => `page ${call.parameters.page}`));
        items.get(() => 'all');
      });
      r.route('/opt').optionalParam('q', (route) => route.get((call) => call.parameters.q ?? 'none'));
      r.route('/needs').param('q', (route) => route.get(() => 'q'));
    });
    expect(await get('/items?order=desc')).toBe('descending');
    expect(await get('/items?order=asc')).toBe('all');
    expect(await get('/items?page=2')).toBe('page 2');
    expect(await get('/items?page')).toBe('page ');
    expect(await get('/items')).toBe('all');
    expect([await get('/opt'), await get('/opt?q=1')]).toEqual(['none', '1']);
    expect(await get('/needs')).toBe('400');
    expect(await get('/needs?q=%zz')).toBe('400');
  });

  it('choose by Accept, best quality first', async () => {
    await start((r) => {
      r.route('/page', (page) => {
        page.accept('text/html', 'application/xhtml+xml', (html) => html.get(() => 'html'));
        page.accept(new MediaType('application', 'json')).get(() => 'json');
      });
    });
    expect(await get('/page', { Accept: 'application/json' })).toBe('json');
    expect(await get('/page', { Accept: 'text/html;q=0.4, application/json;q=0.5' })).toBe('json');
    expect(await get('/page', { Accept: 'text/html;q=0.6, application/json;q=0.5' })).toBe('html');
    expect(await get('/page', { Accept: '*/*' })).toBe('html');
    expect(await get('/page')).toBe('html');
    expect(await get('/page', { Accept: 'image/png' })).toBe('406');
    expect(await get('/page', { Accept: 'nonsense' })).toBe('400');
  });

  it('give nobody what he refused', async () => {
    await start((r) => r.accept('text/html').get('/page', () => 'html'));
    expect(await get('/page', { Accept: 'text/html;q=0, */*' })).toBe('404');
    expect(await get('/page', { Accept: 'text/*;q=0, text/html' })).toBe('html');
    expect(await get('/page', { Accept: '*/*;q=0, text/html;q=0.1' })).toBe('html');
  });

  it('choose by Content-Type', async () => {
    await start((r) => {
      r.route('/in', (route) => {
        route.contentType('application/json').post(() => 'json');
        route.contentType('text/*', (text) => text.post(() => 'text'));
      });
    });
    const post = async (type: string): Promise<string> => {
      const response = await engine?.client.post('/in', { headers: { 'Content-Type': type }, body: 'x' });
      return response?.status === 200 ? response.text() : String(response?.status);
    };
    expect(await post('application/json; charset=utf-8')).toBe('json');
    expect(await post('Text/CSV')).toBe('text');
    expect(await post('image/png')).toBe('415');
    expect(await post('nonsense')).toBe('400');
  });

  it('choose by header, host and ports', async () => {
    await start((r) => {
      r.header('X-Beta', 'on').get('/h', () => 'beta');
      r.get('/h', () => 'stable');
      r.host('shop.example', /.*\.shop\.example/, (shop) => {
        shop.get('/host', (call) => `${call.parameters.$RequestHost} ${call.parameters.$RequestPort}`);
      });
      r.port(8443, 9443).get('/port', (call) => call.parameters.$RequestPort);
      r.localPort(80, (local) => local.get('/local', (call) => call.parameters.$LocalPort));
      r.localPort(81).get('/never', () => 'never');
    });
    expect([await get('/h'), await get('/h', { 'X-Beta': 'off, ON' })]).toEqual(['stable', 'beta']);
    expect(await get('/host', { Host: 'shop.example' })).toBe('shop.example 80');
    expect(await get('/host', { Host: 'a.shop.example:81' })).toBe('a.shop.example 81');
    expect(await get('/host', { Host: 'ashop.example' })).toBe('404');
    expect(await get('/host', { Host: 'a.shop.example.evil' })).toBe('404');
    expect(await get('/port', { Host: 'x:9443' })).toBe('9443');
    expect(await get('/port', { Host: 'x' })).toBe('404');
    expect([await get('/local'), await get('/never')]).toEqual(['80', '404']);
  });

  it('choose by several of them together', async () => {
    await start((r) => {
      const beta = select.header('X-Beta', '1');
      r.or([beta, select.param('beta')]).get('/or', () => 'beta');
      r.and([beta, select.param('really')], (route) => route.get('/and', () => 'beta'));
    });
    expect([await get('/or?beta'), await get('/or', { 'X-Beta': '1' })]).toEqual(['beta', 'beta']);
    expect([await get('/or'), await get('/and?really')]).toEqual(['404', '404']);
    expect(await get('/and?really', { 'X-Beta': '1' })).toBe('beta');
  });

  it('choose by regular expressions, whose groups are parameters', async () => {
    await start((r) => {
      r.get(
        /\/(?<year>\d{4})-(?<month>\d\d)/,
        ({ parameters }) => `${parameters['year']}/${parameters['month']}`,
      );
      r.route(/^\/v(?<version>\d+)/, (version) => {
        version.get('/{name}', ({ parameters }) => `${parameters['version']} ${parameters.name}`);
      });
      r.route('/files').get(/(?<path>.+)\.(?<type>\w+)?$/g, ({ parameters }) => JSON.stringify(parameters));
    });
    expect(await get('/2026-11')).toBe('2026/11');
    expect(await get('/2026-11x')).toBe('404');
    expect(await get('/v2/users')).toBe('2 users');
    expect(await get('/v2x/users')).toBe('404');
    expect(await get('/files/a/b.txt')).toBe('{"path":"a/b","type":"txt"}');
    expect(await get('/files/a/b.')).toBe('{"path":"a/b","type":""}');
    expect(await get('/files/a/b.txt')).toBe('{"path":"a/b","type":"txt"}');
  });

  it('takes a slash that was encoded for no border of a regular expression', async () => {
    await start((r) => r.route(/\/a/, (a) => a.get('/{rest}', (call) => call.parameters.rest)));
    expect(await get('/a/b')).toBe('b');
    expect(await get('/a%2Fb/c')).toBe('404');
  });

  it('leave what has low priority to others', async () => {
    await start((r) => {
      r.lowPriority((low) => low.get('/{path...}', () => 'file'));
      r.get('/{id}', () => 'item');
    });
    expect([await get('/a'), await get('/a/b')]).toEqual(['item', 'file']);
  });

  it('have transparent nodes, each with its own interceptors', async () => {
    await start((r) => {
      for (const name of ['one', 'two']) {
        r.transparent(name, (scope) => {
          scope.intercept(ApplicationCallPipeline.Plugins, ({ call }) => {
            call.response.headers.append('X-Scope', name);
          });
          scope.get(`/${name}`, (call) => call.respondText(name));
        });
      }
    });
    const response = await engine?.client.get('/two');
    expect(response?.header('X-Scope')).toBe('two');
    expect(await response?.text()).toBe('two');
  });

  it('are one node when they are equal, however they are written', async () => {
    await start((r) => {
      expect(r.header('A', 'B')).toBe(r.header('a', 'b'));
      expect(r.accept('a/b')).toBe(r.accept(MediaType.parse('a/b')));
      expect(r.param('a')).not.toBe(r.param('a', 'b'));
      expect(r.host('a', /b/)).toBe(r.host('a', /b/));
      expect(r.and([select.param('a'), select.param('b')])).toBe(
        r.and([select.param('a'), select.param('b')]),
      );
      expect(r.route(/a/)).not.toBe(r.route(/a/));
      expect(r.transparent('a')).not.toBe(r.transparent('a'));
    });
  });

  it('answer 405 with what is allowed', async () => {
    await start((r) => {
      r.route('/x', (x) => {
        x.get(() => 'x');
        x.put(() => 'x');
      });
    });
    const response = await engine?.client.delete('/x');
    expect([response?.status, response?.header('Allow')]).toEqual([405, 'GET, PUT']);
  });
});
