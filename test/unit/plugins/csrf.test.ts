import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { CSRF, type CSRFConfig } from 'portico/plugins/csrf';
import { testApplication } from 'portico/testing';
import { RecordingLog } from '#test/support/recording-log.js';

type Headers = Readonly<Record<string, string | readonly string[]>>;

/** Status and body of requests with these headers to a route that has the plugin. */
async function post(
  configure: (config: CSRFConfig) => void,
  all: readonly Headers[],
  { method = 'POST', log = new RecordingLog() } = {},
): Promise<readonly string[]> {
  const application = await testApplication(
    (app) => {
      routing(app, (r) => {
        const route = r.route('/csrf');
        route.install(CSRF, configure);
        route.handle((call) => call.respondText('success'));
        r.route('/no-csrf').handle((call) => call.respondText('success'));
      });
    },
    { log },
  );
  const answers: string[] = [];
  for (const headers of all) {
    const response = await application.client.request(method, '/csrf', { headers });
    answers.push(`${response.status} ${(await response.text()).replace(/^.*failed; /, '')}`);
  }
  expect((await application.client.post('/no-csrf')).status).toBe(200);
  await application.stop();
  return answers;
}

describe('CSRF', () => {
  it('compares the whole origin', async () => {
    const configure = (config: CSRFConfig) => {
      config.allowOrigin('https://localhost:8080');
      config.allowOrigin('https://SHOP.example/');
    };
    expect(
      await post(configure, [
        { Origin: 'https://localhost:8080' },
        { Origin: 'https://shop.example' },
        { Origin: 'https://shop.example:443' },
        { Origin: 'http://localhost:8080' },
        { Origin: 'https://localhost' },
        { Origin: 'https://shop.example.evil' },
        { Origin: 'null' },
        { Origin: '' },
        { Origin: 'garbage' },
        { Origin: ['https://shop.example', 'https://evil.example'] },
        {},
      ]),
    ).toEqual([
      '200 success',
      '200 success',
      '200 success',
      '400 unexpected "Origin" header value [http://localhost:8080]',
      '400 unexpected "Origin" header value [https://localhost]',
      '400 unexpected "Origin" header value [https://shop.example.evil]',
      '400 unexpected "Origin" header value [null]',
      '400 unexpected "Origin" header value []',
      '400 unexpected "Origin" header value [garbage]',
      '400 unexpected "Origin" header value [https://shop.example]',
      '400 missing "Origin" header',
    ]);
  });

  it('takes the Referer where there is no Origin, its scheme included', async () => {
    expect(
      await post(
        (config) => config.allowOrigin('https://shop.example'),
        [
          { Referer: 'https://shop.example/cart?x=1' },
          { Referer: 'http://shop.example/cart' },
          { Referer: 'https://evil.example/https://shop.example' },
          { Referer: 'https://shop.example/', Origin: 'https://evil.example' },
        ],
      ),
    ).toEqual([
      '200 success',
      '400 unexpected "Referer" header value [http://shop.example]',
      '400 unexpected "Referer" header value [https://evil.example]',
      '400 unexpected "Origin" header value [https://evil.example]',
    ]);
  });

  it('compares the origin with the host that was asked', async () => {
    expect(
      await post(
        (config) => {
          config.originMatchesHost = true;
        },
        [
          { Origin: 'http://localhost:8080', Host: '127.0.0.1:8080' },
          { Origin: 'http://localhost:8080', Host: 'localhost' },
          { Origin: 'http://localhost:8080', Host: 'localhost:8080' },
          { Origin: 'https://shop.example', Host: 'shop.example' },
          { Origin: 'https://shop.example', Host: 'shop.example:443' },
          { Origin: 'http://[::1]:8080', Host: '[::1]:8080' },
          { Host: 'localhost' },
        ],
      ),
    ).toEqual([
      '400 expected "Origin" [localhost:8080] host to match "Host" [127.0.0.1:8080] header value',
      '400 expected "Origin" [localhost:8080] host to match "Host" [localhost] header value',
      '200 success',
      '200 success',
      '200 success',
      '200 success',
      '400 missing "Origin" header',
    ]);
  });

  it('wants all headers it is told to check', async () => {
    const configure = (config: CSRFConfig) => {
      config.checkHeader('X-CSRF', (value) => value === '1');
      config.checkHeader('X-Other', async () => true);
    };
    expect(
      await post(configure, [
        { 'X-CSRF': '1', 'X-Other': '' },
        { 'X-CSRF': '1' },
        { 'X-CSRF': '2', 'X-Other': '' },
        { 'X-CSRF': ['1', '1'], 'X-Other': '' },
        {},
      ]),
    ).toEqual([
      '200 success',
      '400 missing "X-Other" header',
      '400 unexpected "X-CSRF" header value [2]',
      '400 unexpected "X-CSRF" header value [1]',
      '400 missing "X-CSRF" header',
    ]);
  });

  it('may answer differently, or just take note', async () => {
    const messages: string[] = [];
    const check = (config: CSRFConfig) => config.checkHeader('X-CSRF');
    const answers = await post(
      (config) => {
        check(config);
        config.onFailure((call) => call.respondText('Hands off!', undefined, 403));
      },
      [{}, { 'X-CSRF': '' }],
    );
    expect(answers).toEqual(['403 Hands off!', '200 success']);
    const noted = await post(
      (config) => {
        check(config);
        config.onFailure((_, message) => void messages.push(message));
      },
      [{}],
    );
    expect([noted, messages]).toEqual([['400 missing "X-CSRF" header'], ['missing "X-CSRF" header']]);
  });

  it('without configuration allows local origins, and says so', async () => {
    const log = new RecordingLog();
    const origins = ['localhost', '127.0.0.1', '0.0.0.0', 'localhost:3000', 'website.com', 'localhost.evil'];
    const all = origins.map((host) => ({ Origin: `http://${host}` }));
    expect((await post(() => undefined, all, { log })).map((answer) => answer.slice(0, 3))).toEqual([
      '200',
      '200',
      '200',
      '200',
      '400',
      '400',
    ]);
    expect(log.of('info')).toContain('CSRF configuration is empty; defaulting to allow only local origins');
  });

  it.each([
    ['GET', 200],
    ['HEAD', 200],
    ['OPTIONS', 200],
    ['PUT', 400],
    ['PATCH', 400],
    ['DELETE', 400],
    ['PROPFIND', 400],
  ])('with %s is %i', async (method, status) => {
    const [answer] = await post((config) => config.checkHeader('X'), [{}], { method });
    expect(answer?.startsWith(String(status))).toBe(true);
  });

  it('is not got around by another method in the name of a safe one', async () => {
    const application = await testApplication((app) => {
      app.intercept(app.items[0] as never, (run) => {
        run.context.method = 'GET';
      });
      app.install(CSRF, (config) => config.checkHeader('X-CSRF'));
      routing(app, (r) => r.get('/', () => 'in'));
    });
    expect((await application.client.post('/')).status).toBe(400);
    await application.stop();
  });

  it.each(['shop.example', 'https://shop.example/path', 'https://a,https://b', 'ftp://x', '*', 'https://'])(
    'takes no %s for an origin',
    async (origin) => {
      const starting = testApplication((app) => {
        app.install(CSRF, (config) => config.allowOrigin(origin));
      });
      await expect(starting).rejects.toMatchObject({ code: 'PORTICO_CSRF_ORIGIN' });
    },
  );
});
