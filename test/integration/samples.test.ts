import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import WebSocket from 'ws';
import { filesOf, tgzOf } from '#test/support/archives.js';
import { TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';

describe('the samples', () => {
  let host: TestHost;
  beforeAll(async () => {
    const folder = join(repositoryFolder, 'apps');
    const names = readdirSync(folder).filter((name) => name !== 'README.md');
    host = await TestHost.start({
      apps: Object.fromEntries(names.map((name) => [name, join(folder, name)])),
    });
  });
  afterAll(async () => {
    await host.stop();
  });

  it('are all mounted; flaky waits to be started', async () => {
    const states = (await host.applications()).map(
      ({ path, state, kind }) => `${path} ${state} ${kind ?? '?'}`,
    );
    expect(states.sort()).toEqual([
      '/ running framework',
      '/chat running framework',
      '/docs running static',
      '/flaky stopped ?',
      '/gallery running framework',
      '/guestbook running framework',
      '/hello running framework',
      '/members running framework',
      '/notes running program',
    ]);
  });

  it('ROOT lists what is mounted, without JavaScript', async () => {
    const page = await host.text('/');
    for (const path of ['hello', 'guestbook', 'members', 'notes', 'chat', 'docs'])
      expect(page).toContain(`href="/${path}/"`);
    expect(page).toContain('Login, sessions, several ways to be known');
    expect(page).not.toContain('<script');
    expect((await host.get('/no-such-page')).status).toBe(404);
  });

  it('hello greets', async () => {
    expect(await host.text('/hello/')).toContain('Hello');
    expect(await host.text('/hello/Ada')).toContain('Ada');
  });

  it('guestbook takes an entry by form and by JSON, and lists both', async () => {
    const form = await host.get('/guestbook/', {
      method: 'POST',
      body: new URLSearchParams({ name: 'Ada', text: '<b>hi</b>' }),
    });
    expect(form.status).toBe(303);
    expect(form.headers.get('location')).toBe('/guestbook/');
    const json = await host.get('/guestbook/api/entries', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Grace', text: 'hello' }),
    });
    expect(json.status).toBe(201);
    const entries = (await (await host.get('/guestbook/api/entries')).json()) as { name: string }[];
    expect(entries.map(({ name }) => name)).toEqual(['Ada', 'Grace']);
    const page = await host.text('/guestbook/');
    expect(page).toContain('&#60;b&#62;hi&#60;/b&#62;');
    expect((await host.get('/guestbook/api/entries/9')).status).toBe(404);
    const bad = await host.get('/guestbook/api/entries', {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect(bad.status).toBe(400);
  });

  it('members lets in who logs in, and nobody else', async () => {
    expect((await host.get('/members/')).headers.get('location')).toBe('/members/login');
    const login = await host.get('/members/login', {
      method: 'POST',
      headers: { origin: host.url('') },
      body: new URLSearchParams({ user: 'ada', password: 'lovelace' }),
    });
    expect([login.status, login.headers.get('location')]).toEqual([303, '/members/']);
    const cookie = String(login.headers.get('set-cookie')).split(';', 1).join('');
    const page = await host.get('/members/', { headers: { cookie } });
    expect(await page.text()).toContain('Hello, ada');
  });

  it('notes is Express, and its Location carries the context path', async () => {
    expect(await host.text('/notes/')).toContain('<title>Notes</title>');
    const made = await host.get('/notes/api/notes', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'remember' }),
    });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe('/notes/api/notes/2');
    expect(await (await host.get('/notes/api/notes/2')).json()).toEqual({ id: 2, text: 'remember' });
    expect((await host.get('/notes/api/notes/2', { method: 'DELETE' })).status).toBe(204);
  });

  it('chat carries messages between two clients', async () => {
    const open = async () => {
      const socket = new WebSocket(host.url('/chat/room').replace('http', 'ws'));
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return socket;
    };
    const [ada, grace] = [await open(), await open()];
    const heard = new Promise((resolve) =>
      grace.on('message', (data) => String(data) === 'hello' && resolve(String(data))),
    );
    ada.send('hello');
    expect(await heard).toBe('hello');
    ada.close();
    grace.close();
  });

  it('docs is served with types and validators', async () => {
    const page = await host.get('/docs/');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const etag = page.headers.get('etag') ?? '';
    expect((await host.get('/docs/', { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await host.get('/docs/style.css')).headers.get('content-type')).toContain('text/css');
  });

  it('flaky can be asked never to answer: the client gets 504, and flaky goes on', async () => {
    const descriptor = 'portico: { servlet: { start: { when: eager }, response: { timeout: 500ms } } }\n';
    host.dropFile('hangs.yaml', descriptor);
    host.drop('hangs', join(repositoryFolder, 'apps/flaky'));
    await host.untilApplication('hangs', ({ state }) => state === 'running');
    expect((await host.get('/hangs/hang')).status).toBe(504);
    expect(await host.text('/hangs/')).toContain('hang  never answers');
    expect((await host.application('hangs'))?.instances[0]?.restarts).toBe(0);
  });

  it('the bundle that apps/README.md shows is one, with the descriptor it shows', async () => {
    const readme = readFileSync(join(repositoryFolder, 'apps/README.md'), 'utf8');
    // Each file begins with its name in a comment.
    const snippets = [...readme.matchAll(/^```\w+\n(?:#|\/\/) (\S+)\n([\s\S]*?)^```$/gm)];
    const { 'apps/shop.yaml': descriptor = '', ...files } = Object.fromEntries(
      snippets.map(([, name = '', text = '']) => [name, text]),
    );
    expect(Object.keys(files)).toEqual(['application.yaml', 'hello.mjs']);
    host.drop('readme', files);
    await host.untilApplication('readme', ({ state }) => state === 'running');
    expect(await host.text('/readme/')).toBe('Hello from Portico\n');
    expect(await host.text('/readme/Ada')).toBe('Hello, Ada\n');
    expect(descriptor).toContain('/srv/builds/shop.tgz');
    writeFileSync(join(host.base, 'shop.tgz'), await tgzOf(filesOf(files)));
    host.dropFile('shop.yaml', descriptor.replace('/srv/builds/shop.tgz', '../shop.tgz'));
    const shop = await host.untilApplication('shop', ({ state }) => state === 'running');
    expect(shop.instances).toHaveLength(2);
    expect(await host.text('/shop/Ada')).toBe('Hello, Ada\n');
  });

  it('flaky starts when told to', async () => {
    expect((await host.get('/flaky/')).status).toBe(503);
    expect((await host.admin('/v1/applications/flaky/start', 'POST')).status).toBe(200);
    expect(await host.text('/flaky/')).toContain('crash');
  });
});
