import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Application, routing } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import { Authentication, authenticate, form, principal, session } from 'portico/plugins/authentication';
import { CSRF } from 'portico/plugins/csrf';
import { MemorySessionStorage, Sessions, sessionKey, sessions, signed } from 'portico/plugins/sessions';
import { portOf } from '#test/support/embedded-engine.js';
import { RawClient } from '#test/support/raw-client.js';
import { RecordingLog } from '#test/support/recording-log.js';

const User = sessionKey<{ name: string; visits: number }>('user');
const storage = new MemorySessionStorage();
const log = new RecordingLog();

const Login = form('login', {
  validate: ({ name, password }) => (password === 'secret' ? { name } : undefined),
});
const Known = session('known', { key: User, challenge: '/login', validate: (user) => user });

function site(application: Application): void {
  application.install(CSRF, (config) => {
    config.originMatchesHost = true;
  });
  application.install(Sessions, (config) =>
    config.cookie(User, (cookie) => {
      cookie.storage = storage;
      cookie.transform(signed('a key for tests'));
    }),
  );
  application.install(Authentication, (config) => {
    config.provider(Login);
    config.provider(Known);
  });
  routing(application, (route) => {
    route.get('/visit', (call) => {
      sessions(call).getOrSet(User, () => ({ name: 'nobody', visits: 0 })).visits++;
      return 'welcome';
    });
    authenticate(route, [Login], (r) =>
      r.post('/login', (call) => {
        const visits = sessions(call).get(User)?.visits ?? 0;
        sessions(call).set(User, { name: principal(call, Login).name, visits });
        sessions(call).renewId(User);
        return call.respondStatus(204);
      }),
    );
    authenticate(route, ['known'], (r) => r.get('/me', (call) => principal(call, Known)));
    route.post('/logout', (call) => {
      sessions(call).clear(User);
      return call.respondStatus(204);
    });
  });
}

describe('a site with a login, on a real port', () => {
  const engine = embeddedServer(CIO, { host: '127.0.0.1', port: 0, log }, site);
  let port = 0;
  const url = (path: string) => `http://127.0.0.1:${port}${path}`;
  const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';')[0] ?? '';
  const login = (cookie: string, password: string, origin = url('')) =>
    fetch(url('/login'), {
      method: 'POST',
      headers: { cookie, origin },
      body: new URLSearchParams({ user: 'jo', password }),
    });

  beforeAll(async () => {
    await engine.start();
    port = await portOf(engine);
  });
  afterAll(() => engine.stop());

  it('knows a user from the login to the logout, under an id that nobody could know before', async () => {
    const before = cookieOf(await fetch(url('/visit')));
    expect((await login(before, 'wrong')).status).toBe(401);
    const after = cookieOf(await login(before, 'secret'));
    const me = await fetch(url('/me'), { headers: { cookie: after } });
    expect(await me.json()).toEqual({ name: 'jo', visits: 1 });
    // The id of before the login leads nowhere.
    const planted = await fetch(url('/me'), { headers: { cookie: before }, redirect: 'manual' });
    expect([planted.status, planted.headers.get('location')]).toEqual([302, '/login']);
    await fetch(url('/logout'), { method: 'POST', headers: { cookie: after, origin: url('') } });
    const gone = await fetch(url('/me'), { headers: { cookie: after }, redirect: 'manual' });
    expect([gone.status, storage.size]).toEqual([302, 0]);
  });

  it('refuses the page of another site', async () => {
    expect((await login('', 'secret', 'https://evil.example')).status).toBe(400);
  });

  it.each([
    'Cookie: user=\xff\xfe\x80; user=%ff%fe',
    'Cookie: user="; user=\\; ===;;; user',
    `Cookie: user=${'/'.repeat(6000)}`,
    'Cookie: \t',
    'Cookie: user=a\tb',
    'Cookie: user=x\r\nCookie: user=y',
    'Authorization: Basic \xff\xff',
    'Authorization: Bearer',
    'Authorization: ,,,="',
    'Origin: \xff',
    'Referer: http://[',
  ])('answers whatever comes: %j', async (fields) => {
    const client = await RawClient.open(port);
    for (const [line, expected] of [
      ['GET /me', 302],
      ['GET /visit', 200],
      ['POST /logout', 400],
    ] as const) {
      client.send(`${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n${fields}\r\n\r\n`);
      expect((await client.response())?.status).toBe(expected);
    }
    client.socket.destroy();
    expect([...log.of('warn'), ...log.of('error')]).toEqual([]);
  });
});
