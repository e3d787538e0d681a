import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestBundle, testBundle } from 'portico/testing';
import { repositoryFolder } from '#test/support/paths.js';

describe('the guestbook sample, in memory', () => {
  let guestbook: TestBundle;
  beforeAll(async () => {
    guestbook = await testBundle(join(repositoryFolder, 'apps/guestbook'), {
      contextPath: '/gb',
      rethrowErrors: false,
    });
  });
  afterAll(() => guestbook.stop());

  it('takes the same entry from a form and from JSON', async () => {
    const entry = { name: ' Ada ', text: 'hello' };
    const form = await guestbook.client.post('/gb/', { form: entry });
    expect([form.status, form.header('location')]).toEqual([303, '/gb/']);
    const json = await guestbook.client.post('/gb/api/entries', { json: entry });
    expect([json.status, json.header('location')]).toEqual([201, '/gb/api/entries/2']);
    const all = await (await guestbook.client.get('/gb/api/entries')).json();
    expect(all).toEqual([1, 2].map((id) => ({ id, name: 'Ada', text: 'hello' })));
  });

  it('says what is wrong: on the page with its form, and to programs as JSON', async () => {
    const form = await guestbook.client.post('/gb/', { form: { name: 'Ada' } });
    expect([form.status, form.header('content-type')]).toEqual([400, 'text/html; charset=UTF-8']);
    expect(await form.text()).toMatch(/<p class="problem" role="alert">text: is missing<\/p>[\s\S]*<form/);
    const json = await guestbook.client.post('/gb/api/entries', { json: { name: 'x'.repeat(61), text: 1 } });
    expect(json.status).toBe(400);
    expect(await json.json()).toEqual({ problems: ['name: is longer than 60', 'text: is missing'] });
  });

  it.each([
    ['malformed JSON', 400, { body: '{', headers: { 'content-type': 'application/json' } }],
    ['another type of body', 415, { body: 'x', headers: { 'content-type': 'text/plain' } }],
    ['more than it takes', 413, { json: { name: 'Ada', text: 'x'.repeat(20_000) } }],
    ['something that is no object', 400, { json: null }],
  ])('answers %s with %d and a reason', async (_what, status, request) => {
    const response = await guestbook.client.post('/gb/api/entries', request);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ problems: expect.arrayContaining([expect.any(String)]) });
  });

  it('forgets the oldest entry when there are more than it was told', async () => {
    for (let i = 0; i < 101; i++)
      await guestbook.client.post('/gb/api/entries', { json: { name: 'Grace', text: `${i}` } });
    const all = await (await guestbook.client.get('/gb/api/entries')).json<{ text: string }[]>();
    expect([all.length, all[0]?.text, all.at(-1)?.text]).toEqual([100, '1', '100']);
    expect((await guestbook.client.get('/gb/api/entries/1')).status).toBe(404);
  });
});
