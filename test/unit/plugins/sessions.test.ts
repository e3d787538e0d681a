import { describe, expect, it } from '@jest/globals';
import { type } from 'arktype';
import { type ApplicationCall, routing } from 'portico';
import {
  type CookieSessionConfig,
  encrypted,
  MemorySessionStorage,
  type SessionStorage,
  Sessions,
  sessionKey,
  sessions,
  signed,
} from 'portico/plugins/sessions';
import { StatusPages } from 'portico/plugins/status-pages';
import {
  type TestApplicationEngine,
  type TestResponse,
  type TestSettings,
  testApplication,
} from 'portico/testing';
import * as v from 'valibot';
import { z } from 'zod';
import { parseSetCookie } from '#host/http/set-cookie.js';
import { RecordingLog } from '#test/support/recording-log.js';

interface Cart {
  items: string[];
}
const Cart = sessionKey<Cart>('cart');

type Action = (call: ApplicationCall) => unknown;

/** One route that does what the test wants and answers with the session. */
async function start(
  configure: (cookie: CookieSessionConfig<Cart>) => void,
  act: { current: Action } = { current: () => undefined },
  settings: TestSettings = {},
): Promise<TestApplicationEngine> {
  return testApplication((app) => {
    app.install(Sessions, (config) => config.cookie(Cart, configure));
    routing(app, (r) =>
      r.get('/', async (call) => {
        await act.current(call as ApplicationCall);
        return call.isHandled ? undefined : call.respondJson(sessions(call).get(Cart) ?? null);
      }),
    );
  }, settings);
}

const cookieOf = (response: TestResponse) => parseSetCookie(response.header('set-cookie') ?? '');
const withCookie = (value: string) => ({ headers: { Cookie: `cart=${encodeURIComponent(value)}` } });

describe('a session in a cookie', () => {
  it('comes back with the next request, until it is cleared', async () => {
    const act = { current: ((call) => sessions(call).set(Cart, { items: ['tea'] })) as Action };
    const application = await start((cookie) => cookie.transform(signed('secret')), act);
    const first = cookieOf(await application.client.get('/'));
    act.current = () => undefined;
    const second = await application.client.get('/', withCookie(first?.value ?? ''));
    expect(await second.json()).toEqual({ items: ['tea'] });
    // Sent again, so that it lives on.
    expect(cookieOf(second)?.value).toBe(first?.value);
    act.current = (call) => sessions(call).clear(Cart);
    const third = await application.client.get('/', withCookie(first?.value ?? ''));
    expect([await third.json(), cookieOf(third)]).toMatchObject([
      null,
      { value: '', maxAgeSeconds: 0, expires: new Date(0), path: '/' },
    ]);
    await application.stop();
  });

  it('has attributes that protect it', async () => {
    const act = { current: ((call) => sessions(call).set(Cart, { items: [] })) as Action };
    const application = await start(() => undefined, act, { rootPath: '/shop' });
    expect(cookieOf(await application.client.get('/shop/'))).toMatchObject({
      path: '/shop',
      httpOnly: true,
      sameSite: 'lax',
      secure: false,
      maxAgeSeconds: 604_800,
    });
    await application.stop();
    const own = await start(
      (cookie) => {
        cookie.path = '/x';
        cookie.domain = 'shop.example';
        cookie.httpOnly = false;
        cookie.sameSite = 'strict';
        cookie.maxAgeSeconds = 60;
        cookie.extensions = { Partitioned: undefined };
      },
      {
        current: (call) => {
          call.request.origin.scheme = 'https';
          sessions(call).set(Cart, { items: [] });
        },
      },
    );
    expect(cookieOf(await own.client.get('/'))).toMatchObject({
      path: '/x',
      domain: 'shop.example',
      httpOnly: false,
      sameSite: 'strict',
      secure: true,
      maxAgeSeconds: 60,
      extensions: { Partitioned: undefined },
    });
    await own.stop();
  });

  it.each([
    '',
    'x',
    '{',
    'null',
    '%',
    '\u0000',
    'ä',
    '"',
    '../../etc/passwd',
    '[]'.repeat(20_000),
    `{"items":[]}/${'0'.repeat(64)}`,
  ])('is none when the client sends something else (%#)', async (value) => {
    for (const protect of [signed('secret'), encrypted({ encryptionKey: Buffer.alloc(32), signKey: 'x' })]) {
      for (const storage of [undefined, new MemorySessionStorage()]) {
        const log = new RecordingLog();
        const application = await start(
          (cookie) => {
            cookie.storage = storage;
            cookie.transform(protect);
          },
          undefined,
          { log },
        );
        for (const headers of [{ Cookie: `cart=${value}` }, withCookie(value).headers]) {
          const response = await application.client.get('/', { headers });
          expect([response.status, await response.json(), cookieOf(response)]).toEqual([
            200,
            null,
            undefined,
          ]);
        }
        expect([...log.of('warn'), ...log.of('error')]).toEqual([]);
        await application.stop();
      }
    }
  });

  it('is refused when browsers would drop it', async () => {
    const log = new RecordingLog();
    const application = await start(
      (cookie) => cookie.transform(signed('secret')),
      { current: (call) => sessions(call).set(Cart, { items: ['x'.repeat(5000)] }) },
      { log },
    );
    const response = await application.client.get('/');
    expect([response.status, await response.text(), cookieOf(response)]).toEqual([500, '', undefined]);
    expect(log.of('error').join()).toContain('browsers drop cookies of more than 4096');
    await application.stop();
  });

  it('is a warning when clients can change it', async () => {
    const log = new RecordingLog();
    await (await start(() => undefined, undefined, { log })).stop();
    expect(log.of('warn')).toEqual([expect.stringContaining('Clients can change the session cart')]);
  });

  it('notices what was changed in place', async () => {
    const act = {
      current: ((call) =>
        sessions(call)
          .getOrSet(Cart, () => ({ items: [] }))
          .items.push('tea')) as Action,
    };
    const storage = new MemorySessionStorage();
    const application = await start((cookie) => {
      cookie.storage = storage;
      cookie.sendOnlyIfModified = true;
    }, act);
    const id = cookieOf(await application.client.get('/'))?.value ?? '';
    const second = await application.client.get('/', withCookie(id));
    expect(await second.json()).toEqual({ items: ['tea', 'tea'] });
    expect([cookieOf(second)?.value, storage.read(id)]).toEqual([id, '{"items":["tea","tea"]}']);
    act.current = () => undefined;
    expect(cookieOf(await application.client.get('/', withCookie(id)))).toBeUndefined();
    await application.stop();
  });

  it('cannot be changed once the answer is on its way, also when that takes time', async () => {
    const storage = new MemorySessionStorage();
    const codes: unknown[] = [];
    const attempt = (work: () => void) => {
      try {
        work();
      } catch (error) {
        codes.push((error as { code?: string }).code);
      }
    };
    const application = await start(
      (cookie) => {
        cookie.storage = storage;
      },
      {
        current: (call) => {
          sessions(call).set(Cart, { items: [] });
          attempt(() => sessions(call).set(Cart, undefined as never));
          const answering = call.respondText('ok');
          attempt(() => sessions(call).set(Cart, { items: [] }));
          attempt(() => sessions(call).clear(Cart));
          attempt(() => sessions(call).renewId(Cart));
          return answering;
        },
      },
    );
    expect((await application.client.get('/')).status).toBe(200);
    expect(codes).toEqual(['PORTICO_SESSION_VALUE', ...Array(3).fill('PORTICO_SESSION_TOO_LATE')]);
    await application.stop();
  });
});

describe('a session with a storage', () => {
  it('is sent also when the handler does not wait for its answer', async () => {
    const unhandled: string[] = [];
    const application = await testApplication((app) => {
      app.install(Sessions, (config) =>
        config.cookie(Cart, (cookie) => {
          cookie.storage = new MemorySessionStorage();
        }),
      );
      app.install(StatusPages, (config) => config.unhandled((call) => void unhandled.push(call.localPath)));
      routing(app, (r) =>
        r.get('/', (call) => {
          sessions(call).set(Cart, { items: [] });
          call.respondText('ok');
        }),
      );
    });
    const response = await application.client.get('/');
    expect([response.status, await response.text(), cookieOf(response)?.name]).toEqual([200, 'ok', 'cart']);
    await application.client.get('/other');
    expect(unhandled).toEqual(['/other']);
    await application.stop();
  });

  it('takes no id that the storage does not know', async () => {
    const storage = new MemorySessionStorage();
    const application = await start(
      (cookie) => {
        cookie.storage = storage;
      },
      { current: (call) => sessions(call).set(Cart, { items: [] }) },
    );
    const planted = 'f'.repeat(64);
    const id = cookieOf(await application.client.get('/', withCookie(planted)))?.value;
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(id).not.toBe(planted);
    expect(storage.read(planted)).toBeUndefined();
    await application.stop();
  });

  it('goes on under a new id after a login, and the old one is worth nothing', async () => {
    const storage = new MemorySessionStorage();
    storage.write('planted', '{"items":["tea"]}', 60);
    const application = await start(
      (cookie) => {
        cookie.storage = storage;
        cookie.transform(signed('secret'));
      },
      {
        current: (call) => {
          expect(sessions(call).idOf(Cart)).toBe('planted');
          sessions(call).renewId(Cart);
        },
      },
    );
    const response = await application.client.get('/', withCookie(signed('secret').write('planted')));
    const id = signed('secret').read(cookieOf(response)?.value ?? '') ?? '';
    expect(await response.json()).toEqual({ items: ['tea'] });
    expect([storage.read('planted'), storage.read(id)]).toEqual([undefined, '{"items":["tea"]}']);
    await application.stop();
  });

  it('is forgotten there when it is cleared', async () => {
    const storage = new MemorySessionStorage();
    storage.write('known', '{"items":[]}', 60);
    const application = await start(
      (cookie) => {
        cookie.storage = storage;
      },
      { current: (call) => sessions(call).clear(Cart) },
    );
    expect(cookieOf(await application.client.get('/', withCookie('known')))?.maxAgeSeconds).toBe(0);
    expect(storage.size).toBe(0);
    await application.stop();
  });

  it('is another one when it is cleared and set again', async () => {
    const storage = new MemorySessionStorage();
    storage.write('known', '{"items":["tea"]}', 60);
    const application = await start(
      (cookie) => {
        cookie.storage = storage;
      },
      {
        current: (call) => {
          sessions(call).clear(Cart);
          sessions(call).set(Cart, { items: [] });
        },
      },
    );
    const id = cookieOf(await application.client.get('/', withCookie('known')))?.value ?? '';
    expect([storage.read('known'), storage.read(id), storage.size]).toEqual([undefined, '{"items":[]}', 1]);
    await application.stop();
  });

  it('does not write back what it has only read: another request may have changed it', async () => {
    const writes: string[] = [];
    const storage: SessionStorage = {
      read: async () => '{"items":["old"]}',
      write: (_, text) => void writes.push(text),
      remove: () => undefined,
      touch: (id) => void writes.push(`touch ${id}`),
    };
    const application = await start((cookie) => {
      cookie.storage = storage;
    });
    expect(await (await application.client.get('/', withCookie('known'))).json()).toEqual({ items: ['old'] });
    expect(writes).toEqual(['touch known']);
    await application.stop();
  });

  const away: SessionStorage = {
    read: () => Promise.reject(new Error('redis://user:hunter2@db is away')),
    write: () => Promise.reject(new Error('away')),
    remove: () => Promise.reject(new Error('away')),
  };

  it.each<[string, Action, string, number]>([
    ['does not concern calls that do not need it', (call) => call.respondText('ok'), 'id', 200],
    ['is an error for those that read it', (call) => sessions(call).get(Cart), 'id', 500],
    ['is an error for those that write it', (call) => sessions(call).set(Cart, { items: [] }), '', 500],
  ])('whose storage is away %s', async (_, current, id, status) => {
    const log = new RecordingLog();
    const application = await start(
      (cookie) => {
        cookie.storage = away;
      },
      { current },
      { log },
    );
    const response = await application.client.get('/', id === '' ? {} : withCookie(id));
    expect([response.status, cookieOf(response)]).toEqual([status, undefined]);
    expect(await response.text()).not.toContain('away');
    expect(log.of('error').length).toBe(status === 200 ? 0 : 1);
    await application.stop();
  });

  it('does not wait for it for ever', async () => {
    const log = new RecordingLog();
    const application = await start(
      (cookie) => {
        cookie.storage = { ...away, read: () => new Promise(() => undefined) };
        cookie.storageTimeoutMs = 10;
      },
      undefined,
      { log },
    );
    expect((await application.client.get('/', withCookie('id'))).status).toBe(500);
    expect(log.of('error').join()).toContain('could not be read within 10 ms');
    await application.stop();
  });
});

describe('sessions', () => {
  it.each([
    ['zod', sessionKey('user', z.object({ id: z.string(), visits: z.number().default(0) }))],
    ['arktype', sessionKey('user', type({ id: 'string', visits: 'number = 0' }))],
    ['valibot', sessionKey('user', v.object({ id: v.string(), visits: v.optional(v.number(), 0) }))],
    [
      'an asynchronous schema',
      sessionKey(
        'user',
        z.object({ id: z.string(), visits: z.number().default(0) }).refine(async () => true),
      ),
    ],
  ])('are checked with %s', async (_, User) => {
    const application = await testApplication((app) => {
      app.install(Sessions, (config) => config.header(User, (header) => header.transform(signed('x'))));
      routing(app, (r) =>
        r.get('/', (call) => {
          const user = sessions(call).get(User);
          const visits: number | undefined = user?.visits;
          return call.respondJson([user?.id ?? null, visits ?? null]);
        }),
      );
    });
    const get = async (value: unknown) =>
      (
        await application.client.get('/', { headers: { User: signed('x').write(JSON.stringify(value)) } })
      ).json();
    expect([await get({ id: 'jo' }), await get({ id: 7 }), await get(null)]).toEqual([
      ['jo', 0],
      [null, null],
      [null, null],
    ]);
    await application.stop();
  });

  it('may be in a header, with any text', async () => {
    const Name = sessionKey<string>('X-Name');
    const application = await testApplication((app) => {
      app.install(Sessions, (config) => config.header(Name));
      routing(app, (r) => {
        r.post('/', async (call) => {
          sessions(call).set(Name, await call.receiveText());
          return call.respondStatus(204);
        });
        r.get('/', (call) => call.respondText(sessions(call).get(Name) ?? 'none'));
        r.delete('/', (call) => {
          sessions(call).clear(Name);
          return call.respondStatus(204);
        });
      });
    });
    const name = 'Jörg 100 % \r\n✓';
    const header = (await application.client.post('/', { body: name })).header('x-name') ?? '';
    expect(header).toMatch(/^[\x21-\x7e]+$/);
    const headers = { 'X-Name': header };
    expect(await (await application.client.get('/', { headers })).text()).toBe(name);
    expect((await application.client.delete('/', { headers })).header('x-name')).toBe('');
    expect(await (await application.client.get('/', { headers: { 'X-Name': '%' } })).text()).toBe('none');
    await application.stop();
  });

  it('are several, each on its own', async () => {
    const Lang = sessionKey<string>('lang');
    const application = await testApplication((app) => {
      app.install(Sessions, (config) => {
        config.cookie(Cart);
        config.cookie(Lang);
      });
      routing(app, (r) =>
        r.get('/', (call) => {
          sessions(call).set(Cart, { items: [] });
          sessions(call).set(Lang, 'de');
          return call.respondStatus(204);
        }),
      );
    });
    const names = (await application.client.get('/'))
      .headerAll('set-cookie')
      .map((one) => parseSetCookie(one)?.name);
    expect(names).toEqual(['cart', 'lang']);
    await application.stop();
  });

  it('are one for each name, transport and key', async () => {
    const A = sessionKey<string>('a');
    const B = sessionKey<string>('b');
    const install = (configure: Parameters<typeof Sessions.install>[1]) =>
      testApplication((app) => {
        app.install(Sessions, configure);
      });
    const duplicate = expect.objectContaining({ code: 'PORTICO_SESSION_DUPLICATE' });
    await expect(
      install((config) => {
        config.cookie(A);
        config.header(A);
      }),
    ).rejects.toEqual(duplicate);
    await expect(
      install((config) => {
        config.header(A);
        config.header(B, (header) => {
          header.name = 'A';
        });
      }),
    ).rejects.toEqual(duplicate);
    await (
      await install((config) => {
        config.cookie(A);
        config.header(B, (header) => {
          header.name = 'a';
        });
      })
    ).stop();
  });

  it('need the plugin, a key it knows, and a name that is one', async () => {
    const codes: unknown[] = [];
    const Other = sessionKey<string>('other');
    const ask: Action = (call) => {
      try {
        sessions(call).get(Other);
      } catch (error) {
        codes.push((error as { code?: string }).code);
      }
    };
    const application = await start(() => undefined, { current: ask });
    await application.client.get('/');
    await application.stop();
    const bare = await testApplication((app) => {
      routing(app, (r) => r.get('/', (call) => ask(call as ApplicationCall)));
    });
    await bare.client.get('/');
    await bare.stop();
    expect(codes).toEqual(['PORTICO_SESSION_UNKNOWN', 'PORTICO_MISSING_PLUGIN']);
    expect(() => sessionKey('a b')).toThrow(expect.objectContaining({ code: 'PORTICO_SESSION_NAME' }));
  });

  it.each([undefined, 1n, () => 1])('must be what the serializer can write (%#)', async (value) => {
    const log = new RecordingLog();
    const Any = sessionKey<unknown>('any');
    const application = await testApplication(
      (app) => {
        app.install(Sessions, (config) => config.cookie(Any));
        routing(app, (r) =>
          r.get('/', (call) => {
            sessions(call).set(Any, { value });
            sessions(call).set(Any, typeof value === 'bigint' ? { value } : value);
            return call.respondText('ok');
          }),
        );
      },
      { log },
    );
    const { status } = await application.client.get('/');
    expect([status, log.of('error').length]).toEqual([500, 1]);
    expect(log.of('error').join()).toMatch(/JSON cannot write a session|cannot be undefined/);
    await application.stop();
  });
});
