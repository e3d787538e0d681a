import { describe, expect, it } from '@jest/globals';
import { type ApplicationCall, createRouteScopedPlugin, type Route, routing } from 'portico';
import {
  Authentication,
  AuthenticationChecked,
  type AuthenticationFailure,
  type AuthenticationProvider,
  apiKey,
  authenticate,
  basic,
  bearer,
  type Challenge,
  constantTimeEquals,
  form,
  hashPassword,
  principal,
  principalOrNull,
  session,
  verifyPassword,
} from 'portico/plugins/authentication';
import { Sessions, sessionKey, sessions, signed } from 'portico/plugins/sessions';
import { type TestApplicationEngine, type TestRequestOptions, testApplication } from 'portico/testing';
import { RecordingLog } from '#test/support/recording-log.js';

/** One route behind one provider; answers with whom it has found. */
function start(
  provider: AuthenticationProvider<unknown>,
  log = new RecordingLog(),
): Promise<TestApplicationEngine> {
  return testApplication(
    (app) => {
      app.install(Authentication, (config) => config.provider(provider));
      routing(app, (route) =>
        authenticate(route, [provider], (r) => {
          const answer = (call: ApplicationCall<unknown>) =>
            call.respondJson(principalOrNull(call, provider) ?? null);
          r.get('/', answer);
          r.post('/', answer);
        }),
      );
    },
    { log },
  );
}

const authorization = (value: string | readonly string[]): TestRequestOptions => ({
  headers: { Authorization: value },
});
const base64 = (text: string | Uint8Array) => Buffer.from(text as string).toString('base64');

async function statuses(
  application: TestApplicationEngine,
  requests: readonly TestRequestOptions[],
): Promise<readonly number[]> {
  const found: number[] = [];
  for (const request of requests) found.push((await application.client.get('/', request)).status);
  return found;
}

describe('basic', () => {
  const provider = basic('users', {
    realm: 'the "shop"',
    validate: ({ name, password }) => (password === 'pä:ss' ? { name } : undefined),
  });

  it('takes name and password, whatever the case of the scheme; the password may have colons', async () => {
    const application = await start(provider);
    for (const scheme of ['Basic', 'basic', 'BASIC'])
      expect(
        await (await application.client.get('/', authorization(`${scheme} ${base64('jo:pä:ss')}`))).json(),
      ).toEqual({ name: 'jo' });
    await application.stop();
  });

  it.each([
    ['nothing', {}],
    ['another scheme', authorization('Bearer abc')],
    ['a wrong password', authorization(`Basic ${base64('jo:no')}`)],
    ['no colon', authorization(`Basic ${base64('jo')}`)],
    ['no base64', authorization('Basic !!!')],
    ['base64 without padding', authorization('Basic am86cMOkOnNz=')],
    ['bytes that are no UTF-8', authorization(`Basic ${base64(Buffer.from([0x6a, 0x3a, 0xff]))}`)],
    ['control characters', authorization(`Basic ${base64('jo\u0000:pä:ss')}`)],
    ['parameters', authorization('Basic user="jo"')],
    ['no blob', authorization('Basic')],
    ['garbage', authorization('="",;')],
    ['nothing in the field', authorization('')],
    ['two fields', authorization([`Basic ${base64('jo:pä:ss')}`, `Basic ${base64('jo:pä:ss')}`])],
    ['far too much', authorization(`Basic ${base64(`jo:${'x'.repeat(100_000)}`)}`)],
  ])('asks with 401 for %s, and says nothing more', async (_, request) => {
    const log = new RecordingLog();
    const application = await start(provider, log);
    const response = await application.client.get('/', request);
    expect([response.status, await response.text(), response.header('www-authenticate')]).toEqual([
      401,
      '',
      'Basic realm="the \\"shop\\"", charset="UTF-8"',
    ]);
    expect([...log.of('warn'), ...log.of('error')]).toEqual([]);
    expect(log.lines.join()).not.toMatch(/pä:ss|jo/);
    await application.stop();
  });

  it('refuses a realm that cannot be sent', () => {
    expect(() => basic('x', { realm: 'a\r\nb', validate: () => undefined })).toThrow(
      expect.objectContaining({ code: 'PORTICO_INVALID_HEADER' }),
    );
  });

  it('lets errors of the application be errors', async () => {
    const failing = basic('x', { validate: () => Promise.reject(new Error('database is away')) });
    const application = await start(failing);
    expect(await statuses(application, [authorization(`Basic ${base64('a:b')}`)])).toEqual([500]);
    await application.stop();
  });
});

describe('bearer', () => {
  it('takes a token of its schemes, or from elsewhere', async () => {
    const validate = (token: string) => (constantTimeEquals(token, 'good') ? 'jo' : undefined);
    const own = await start(bearer('x', { validate, authSchemes: ['Token', 'Bearer'], realm: 'api' }));
    expect(
      await statuses(own, [
        authorization('Bearer good'),
        authorization('token good'),
        authorization('Bearer bad'),
      ]),
    ).toEqual([200, 200, 401]);
    expect((await own.client.get('/')).header('www-authenticate')).toBe('Token realm="api"');
    await own.stop();
    const query = await start(
      bearer('x', { validate, token: (call) => call.request.queryParameters.get('t') }),
    );
    expect((await query.client.get('/?t=good')).status).toBe(200);
    expect((await query.client.get('/?t=')).status).toBe(401);
    await query.stop();
  });
});

describe('apiKey', () => {
  it('takes the key from its header', async () => {
    const application = await start(apiKey('x', { validate: (key) => (key === 'good' ? 'jo' : undefined) }));
    const key = (value: string | readonly string[]) => ({ headers: { 'x-api-key': value } });
    expect(
      await statuses(application, [key('good'), key('bad'), key(''), key(['good', 'good']), {}]),
    ).toEqual([200, 401, 401, 401, 401]);
    expect((await application.client.get('/')).header('www-authenticate')).toBe('ApiKey');
    await application.stop();
    const other = await start(
      apiKey('x', {
        headerName: 'X-Key',
        challenge: (call) => call.respondStatus(403),
        validate: () => 'jo',
      }),
    );
    expect(await statuses(other, [key('good'), { headers: { 'X-Key': 'any' } }])).toEqual([403, 200]);
    await other.stop();
  });
});

describe('form', () => {
  const validate = ({ name, password }: { name: string; password: string }) =>
    password === 'secret' ? { name } : undefined;

  it('takes the fields of the body, and sends others to a page', async () => {
    const application = await start(
      form('x', { validate, userParameter: 'login', challenge: '/login', maxBytes: 100 }),
    );
    const { client } = application;
    const good = await client.post('/', { form: { login: 'jo', password: 'secret' } });
    expect(await good.json()).toEqual({ name: 'jo' });
    const bad = await client.post('/', { form: { login: 'jo', password: 'no' } });
    expect([bad.status, bad.header('location')]).toEqual([302, '/login']);
    const large = await client.post('/', { form: { login: 'x'.repeat(200), password: 'secret' } });
    expect(large.status).toBe(413);
    await application.stop();
  });

  it.each<TestRequestOptions>([
    {},
    { json: { user: 'jo', password: 'secret' } },
    { form: { user: 'jo' } },
    { body: 'user=%zz&password=x', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
    { body: '', headers: { 'Content-Type': ';;;' } },
  ])('finds no credentials in another body (%#)', async (request) => {
    const application = await start(form('x', { validate }));
    expect((await application.client.post('/', request)).status).toBe(401);
    await application.stop();
  });
});

describe('session', () => {
  it('knows who has logged in before', async () => {
    const User = sessionKey<{ id: string }>('user');
    const Known = session('known', {
      key: User,
      challenge: '/login',
      validate: ({ id }) => (id === 'jo' ? { name: 'Jo' } : undefined),
    });
    const application = await testApplication((app) => {
      app.install(Sessions, (config) => config.header(User, (header) => header.transform(signed('x'))));
      app.install(Authentication, (config) => config.provider(Known));
      routing(app, (route) => {
        route.post('/login/{id}', (call) => {
          sessions(call).set(User, { id: call.parameters.id });
          return call.respondStatus(204);
        });
        authenticate(route, ['known'], (r) => r.get('/', (call) => principal(call, Known).name));
      });
    });
    const { client } = application;
    const login = async (id: string) => (await client.post(`/login/${id}`)).header('user') ?? '';
    const get = (user: string) => client.get('/', { headers: { user } });
    expect(await (await get(await login('jo'))).text()).toBe('Jo');
    for (const user of [await login('al'), 'x', ''])
      expect([(await get(user)).status, (await get(user)).header('location')]).toEqual([302, '/login']);
    await application.stop();
  });
});

describe('authenticate', () => {
  const someone = (name: string, found?: string): AuthenticationProvider<string> => ({
    name,
    authenticate: () => (found === undefined ? { failure: 'no-credentials' } : { principal: found }),
  });

  it('keeps the types of path parameters and of principals', async () => {
    const Api = bearer('api', { validate: (token) => ({ token }) });
    const application = await testApplication((app) => {
      app.install(Authentication, (config) => config.provider(Api));
      routing(app, (route) =>
        route.route('/shops/{shop}', (r) =>
          authenticate(r, [Api], { strategy: 'required' }, (r) => {
            r.get('/items/{item}', (call) => {
              const { shop, item }: { shop: string; item: string } = call.parameters;
              const { token }: { token: string } = principal(call, Api);
              // @ts-expect-error the provider gives something else
              const wrong: number = principal(call, Api);
              return [shop, item, token, wrong === undefined];
            });
          }),
        ),
      );
    });
    const response = await application.client.get('/shops/a/items/b', authorization('Bearer t'));
    expect(await response.json()).toEqual(['a', 'b', 't', false]);
    expect((await application.client.get('/shops/a/items/b')).status).toBe(401);
    expect((await application.client.get('/shops/a/others/b', authorization('Bearer t'))).status).toBe(404);
    await application.stop();
  });

  it('takes one provider without a list, named or given', async () => {
    const Api = bearer('api', { validate: (token) => ({ token }) });
    const application = await testApplication((app) => {
      app.install(Authentication, (config) => config.provider(Api));
      routing(app, (route) => {
        authenticate(route, 'api', (r) => r.get('/named', () => 'in'));
        authenticate(route, Api, (r) => r.get('/given', () => 'in'));
      });
    });
    for (const path of ['/named', '/given']) {
      expect((await application.client.get(path)).status).toBe(401);
      expect(await (await application.client.get(path, authorization('Bearer t'))).text()).toBe('in');
    }
    await application.stop();
  });

  it('asks the default provider when none is named, and those outside only their own routes', async () => {
    const application = await testApplication((app) => {
      app.install(Authentication, (config) => config.provider(someone('default')));
      routing(app, (route) => {
        authenticate(route, [], (r) => r.get('/in', () => 'in'));
        route.get('/out', (call) => String(principalOrNull(call, someone('default')) ?? 'nobody'));
      });
    });
    expect((await application.client.get('/in')).status).toBe(401);
    expect(await (await application.client.get('/out')).text()).toBe('nobody');
    await application.stop();
  });

  it('runs only the innermost block, once, with the providers of all', async () => {
    const asked: string[] = [];
    const noting = (name: string, found?: string): AuthenticationProvider<string> => ({
      name,
      authenticate: (call) => {
        asked.push(name);
        return someone(name, found).authenticate(call);
      },
    });
    const [outer, inner] = [noting('outer', 'o'), noting('inner', 'i')];
    const application = await testApplication((app) => {
      app.install(Authentication, (config) => {
        config.provider(outer);
        config.provider(inner);
      });
      routing(app, (route) =>
        authenticate(route, [outer], { strategy: 'required' }, (r) => {
          r.get('/outer', () => 'x');
          authenticate(r, [inner, outer], { strategy: 'required' }, (r) => r.get('/inner', () => 'x'));
        }),
      );
    });
    await application.client.get('/outer');
    await application.client.get('/inner');
    expect(asked).toEqual(['outer', 'outer', 'inner']);
    await application.stop();
  });

  it('asks one challenge: first of wrong credentials, then of none, then of errors', async () => {
    const failing = (name: string, failure: AuthenticationFailure, challenge?: Challenge) => ({
      name,
      authenticate: () => ({ failure, challenge }),
    });
    const status =
      (code: number): Challenge =>
      (call) =>
        call.respondStatus(code);
    const providers = [
      failing('error', 'error', status(503)),
      failing('none', 'no-credentials', status(402)),
      failing('silent', 'invalid-credentials', () => undefined),
      failing('wrong', 'invalid-credentials', status(403)),
      failing('bare', 'error'),
    ];
    const application = await testApplication((app) => {
      app.install(Authentication, (config) => {
        for (const provider of providers) config.provider(provider);
      });
      routing(app, (route) => {
        const at = (path: string, names: readonly string[], options = {}) =>
          authenticate(route, names, options, (r) => r.get(path, () => 'in'));
        at('/all', ['error', 'none', 'silent', 'wrong']);
        at('/two', ['error', 'none']);
        at('/error', ['error']);
        at('/silent', ['silent']);
        at('/bare', ['bare']);
        at('/required', ['none', 'wrong'], { strategy: 'required' });
        at('/optional-error', ['error', 'none'], { strategy: 'optional' });
        at('/optional-wrong', ['none', 'wrong'], { strategy: 'optional' });
      });
    });
    const found: Record<string, number> = {};
    for (const path of [
      'all',
      'two',
      'error',
      'silent',
      'bare',
      'required',
      'optional-error',
      'optional-wrong',
    ])
      found[path] = (await application.client.get(`/${path}`)).status;
    expect(found).toEqual({
      all: 403,
      two: 402,
      error: 503,
      silent: 401,
      bare: 401,
      required: 402,
      'optional-error': 200,
      'optional-wrong': 403,
    });
    await application.stop();
  });

  it('does not need a provider that is to be skipped', async () => {
    const local: AuthenticationProvider<string> = {
      ...someone('x'),
      skipWhen: (call) => call.request.header('X-Local') !== undefined,
    };
    const application = await testApplication((app) => {
      app.install(Authentication, (config) => config.provider(local));
      routing(app, (route) => {
        authenticate(route, ['x'], (r) => r.get('/first', () => 'in'));
        authenticate(route, ['x'], { strategy: 'required' }, (r) => r.get('/required', () => 'in'));
      });
    });
    const found: number[] = [];
    for (const path of ['/first', '/required'])
      for (const headers of [{}, { 'X-Local': '1' }])
        found.push((await application.client.get(path, { headers })).status);
    expect(found).toEqual([401, 200, 401, 200]);
    await application.stop();
  });

  it('comes before plugins that ask what the caller may do', async () => {
    const User = someone('x', 'jo');
    const OnlyAl = createRouteScopedPlugin('OnlyAl', {
      createConfig: () => ({}),
      install: (plugin) =>
        plugin.on(AuthenticationChecked, (call) =>
          principal(call, User) === 'al' ? undefined : call.respondStatus(403),
        ),
    });
    let ran = 0;
    const application = await testApplication((app) => {
      app.install(Authentication, (config) => config.provider(User));
      routing(app, (route) => {
        const admin = route.route('/admin');
        admin.install(OnlyAl);
        authenticate(admin, ['x'], (r) => r.get(() => String(++ran)));
        authenticate(route, ['x'], (r) => r.get('/', () => 'in'));
      });
    });
    expect((await application.client.get('/admin')).status).toBe(403);
    expect([(await application.client.get('/')).status, ran]).toEqual([200, 0]);
    await application.stop();
  });

  it.each<[string, string, (route: Route<unknown>) => void, boolean]>([
    ['the plugin', 'PORTICO_MISSING_PLUGIN', (r) => authenticate(r, ['x'], () => undefined), false],
    ['the provider', 'PORTICO_AUTHENTICATION_PROVIDER', (r) => authenticate(r, ['y'], () => undefined), true],
    [
      'the very provider',
      'PORTICO_AUTHENTICATION_PROVIDER',
      (r) => authenticate(r, [someone('x')], () => undefined),
      true,
    ],
  ])('needs %s when the route is built', async (_, code, build, isInstalled) => {
    const starting = testApplication((app) => {
      if (isInstalled) app.install(Authentication, (config) => config.provider(someone('x')));
      routing(app, build);
    });
    await expect(starting).rejects.toMatchObject({ code });
  });

  it('takes one provider of a name, and tells when there is no principal', async () => {
    const twice = testApplication((app) => {
      app.install(Authentication, (config) => {
        config.provider(someone('x'));
        config.provider(someone('x'));
      });
    });
    await expect(twice).rejects.toMatchObject({ code: 'PORTICO_AUTHENTICATION_PROVIDER' });
    const codes: unknown[] = [];
    const application = await testApplication((app) => {
      routing(app, (r) =>
        r.get('/', (call) => {
          try {
            principal(call, someone('x'));
          } catch (error) {
            codes.push((error as { code?: string }).code);
          }
          return 'x';
        }),
      );
    });
    await application.client.get('/');
    expect(codes).toEqual(['PORTICO_NO_PRINCIPAL']);
    await application.stop();
  });
});

describe('passwords', () => {
  it('are known by their hash', async () => {
    const hash = await hashPassword('pässword');
    expect(hash).toMatch(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
    expect(await hashPassword('pässword')).not.toBe(hash);
    expect(await verifyPassword('pa\u0308ssword', hash)).toBe(true);
    expect(await verifyPassword('password', hash)).toBe(false);
    expect(await verifyPassword('pässword', undefined)).toBe(false);
  });

  it.each(['', 'pässword', 'scrypt$1$1$1$x$y', 'scrypt$99999999$8$1$aaaaaaaaaaaaaaaaaaaaaa$x'])(
    'are not compared with anything else: %j',
    async (hash) => {
      const refused = expect.objectContaining({ code: 'PORTICO_PASSWORD_HASH' });
      await expect(verifyPassword('pässword', hash)).rejects.toEqual(refused);
    },
  );

  it('are equal or not', () => {
    expect([constantTimeEquals('a', 'a'), constantTimeEquals('a', 'ab'), constantTimeEquals('', '')]).toEqual(
      [true, false, true],
    );
  });
});
