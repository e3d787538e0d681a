import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { type CookieSessionConfig, Sessions, sessionKey, sessions, signed } from 'portico/plugins/sessions';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import { parseSetCookie } from '#host/http/set-cookie.js';

function start(
  name: string,
  configure?: (cookie: CookieSessionConfig<string>) => void,
): Promise<TestApplicationEngine> {
  const User = sessionKey<string>(name);
  return testApplication(
    (app) => {
      app.install(Sessions, (config) =>
        config.cookie(User, (cookie) => {
          cookie.transform(signed('secret'));
          configure?.(cookie);
        }),
      );
      routing(app, (r) => {
        r.get('/', (call) => {
          sessions(call).set(User, 'ada');
          call.response.cookies.expire('__Host-old');
          return call.respondStatus(204);
        });
      });
    },
    { rootPath: '/shop' },
  );
}

describe('a cookie whose name makes a promise', () => {
  it.each([
    ['__Host-user', '/'],
    ['__host-user', '/'],
    ['__Secure-user', '/shop'],
  ])('keeps it: %s', async (name, path) => {
    const application = await start(name);
    const lines = (await application.client.get('/shop/')).headerAll('set-cookie');
    const cookie = parseSetCookie(lines.find((line) => line.startsWith(name)) ?? '');
    expect(cookie).toMatchObject({ name, path, secure: true, domain: undefined });
    // Without them browsers ignore that it is to be removed.
    const removed = parseSetCookie(lines.find((line) => line.startsWith('__Host-old')) ?? '');
    expect(removed).toMatchObject({ path: '/', secure: true, maxAgeSeconds: 0 });
    await application.stop();
  });

  it.each<[string, (cookie: CookieSessionConfig<string>) => void]>([
    [
      '__Host-user',
      (cookie) => {
        cookie.domain = 'shop.example';
      },
    ],
    [
      '__Host-user',
      (cookie) => {
        cookie.path = '/shop';
      },
    ],
    [
      '__Secure-user',
      (cookie) => {
        cookie.secure = false;
      },
    ],
  ])('is refused when it is told not to: %s', async (name, configure) => {
    await expect(start(name, configure)).rejects.toMatchObject({ code: 'PORTICO_INVALID_COOKIE' });
  });
});
