import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestBundle, type TestClient, testBundle } from 'portico/testing';
import { repositoryFolder } from '#test/support/paths.js';

const SAME_SITE = { origin: 'http://localhost' };

describe('the members sample, in memory', () => {
  let members: TestBundle;
  beforeAll(async () => {
    members = await testBundle(join(repositoryFolder, 'apps/members'), { rethrowErrors: false });
  });
  afterAll(() => members.stop());

  const browser = (): TestClient => members.client.with({ cookies: true, headers: SAME_SITE });
  const logIn = (client: TestClient, password = 'lovelace') =>
    client.post('/members/login', { form: { user: 'ada', password } });

  it('sends who is not logged in to the form', async () => {
    const refused = await browser().get('/members/');
    expect([refused.status, refused.header('location')]).toEqual([302, '/members/login']);
    expect(await (await browser().get('/members/login')).text()).toContain('action="/members/login"');
  });

  it('lets a member in, counts for him, and lets him go', async () => {
    const ada = browser();
    expect((await logIn(ada)).header('location')).toBe('/members/');
    await ada.get('/members/');
    expect(await (await ada.get('/members/')).text()).toMatch(/Hello, ada[\s\S]*2 times/);
    const cookies = ada.cookies?.header({
      scheme: 'http',
      host: 'localhost',
      authority: 'localhost',
      port: 80,
      path: '/members/',
    });
    expect((await ada.post('/members/logout')).header('location')).toBe('/members/login');
    expect((await ada.get('/members/')).status).toBe(302);
    // The server has forgotten the session, so a kept cookie is worth nothing.
    const thief = await members.client.get('/members/', { headers: { cookie: String(cookies) } });
    expect(thief.status).toBe(302);
  });

  it('gives a new id to who logs in, and keeps nothing in the browser but that', async () => {
    const planted = await logIn(browser());
    const first = String(planted.header('set-cookie'));
    expect(first).toMatch(/^member=[0-9a-f]{64}; .*Path=\/members; .*HttpOnly; SameSite=Lax/);
    const cookie = first.split(';', 1).join('');
    const again = await members.client.post('/members/login', {
      form: { user: 'ada', password: 'lovelace' },
      headers: { ...SAME_SITE, cookie },
    });
    expect(again.header('set-cookie')).toMatch(/^member=[0-9a-f]{64};/);
    expect(again.header('set-cookie')).not.toContain(cookie);
  });

  it('shows the form again after a wrong password', async () => {
    const refused = await logIn(browser(), 'wrong');
    expect(refused.status).toBe(401);
    expect(await refused.text()).toContain('Name or password is wrong');
  });

  it('takes forms of its own pages only', async () => {
    const foreign = members.client.with({ headers: { origin: 'https://evil.example' } });
    expect((await logIn(foreign)).status).toBe(400);
    expect((await foreign.post('/members/logout')).status).toBe(400);
  });

  it('knows programs by name and password', async () => {
    const authorization = `Basic ${Buffer.from('ada:lovelace').toString('base64')}`;
    const me = await members.client.get('/members/api/me', { headers: { authorization } });
    expect(await me.json()).toEqual({ name: 'ada' });
    const nobody = await members.client.get('/members/api/me');
    expect([nobody.status, nobody.header('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('realm="members"'),
    ]);
  });
});
