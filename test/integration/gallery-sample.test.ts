import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestBundle, testBundle } from 'portico/testing';
import { repositoryFolder } from '#test/support/paths.js';

describe('the gallery sample, in memory', () => {
  let gallery: TestBundle;
  beforeAll(async () => {
    gallery = await testBundle(join(repositoryFolder, 'apps/gallery'), { rethrowErrors: false });
  });
  afterAll(() => gallery.stop());

  const upload = (type: string, text = 'picture') => {
    const form = new FormData();
    form.append('picture', new File([text], '../../evil.html', { type }));
    return gallery.client.post('/gallery/pictures', { multipart: form });
  };

  it('serves its page', async () => {
    const page = await gallery.client.get('/gallery/');
    expect(page.header('content-type')).toMatch(/^text\/html/);
    expect(await page.text()).toContain('<h1>Gallery</h1>');
  });

  it('keeps a picture under a name of its own, shows it, and tells who is looking', async () => {
    const events = await gallery.client.events('/gallery/events');
    const uploaded = await upload('image/png');
    expect(uploaded.status).toBe(201);
    const [name] = await uploaded.json<string[]>();
    expect(name).toMatch(/^[0-9a-f-]{36}\.png$/);
    expect(await events.next()).toMatchObject({ event: 'picture', data: name });
    const picture = await gallery.client.get(`/gallery/pictures/${name}`);
    expect([picture.header('content-type'), picture.header('cache-control')]).toEqual([
      'image/png',
      'max-age=3600',
    ]);
    expect(await picture.text()).toBe('picture');
    expect(await (await gallery.client.get('/gallery/pictures')).json()).toEqual([name]);
    // Who comes later is told of all.
    expect(await (await gallery.client.events('/gallery/events')).next()).toMatchObject({ data: name });
  });

  it('takes nothing that is no picture, or too much of it', async () => {
    expect((await upload('text/html')).status).toBe(400);
    expect((await upload('image/png', 'x'.repeat(5 * 1024 * 1024 + 1))).status).toBe(413);
  });
});
