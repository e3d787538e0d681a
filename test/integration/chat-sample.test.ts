import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestBundle, testBundle } from 'portico/testing';
import { repositoryFolder } from '#test/support/paths.js';

describe('the chat sample, in memory', () => {
  let chat: TestBundle;
  beforeAll(async () => {
    chat = await testBundle(join(repositoryFolder, 'apps/chat'));
  });
  afterAll(() => chat.stop());

  it('has a page', async () => {
    const page = await chat.client.get('/chat/');
    expect(page.header('content-type')).toBe('text/html; charset=UTF-8');
    expect(await page.text()).toContain('<title>Chat</title>');
  });

  it('tells everybody in a room what one says, and who comes and goes', async () => {
    const ada = await chat.client.webSocket('/chat/room/blue');
    expect(await ada.receive()).toBe('somebody joined, 1 here');
    const grace = await chat.client.webSocket('/chat/room/blue');
    const alone = await chat.client.webSocket('/chat/room');
    expect(await alone.receive()).toBe('somebody joined, 1 here');
    expect([await ada.receive(), await grace.receive()]).toEqual(Array(2).fill('somebody joined, 2 here'));
    await ada.send('hello');
    expect([await ada.receive(), await grace.receive()]).toEqual(['hello', 'hello']);
    await grace.close();
    expect(await ada.receive()).toBe('somebody left, 1 here');
    ada.cut();
    await alone.close();
  });

  it('cuts long messages and refuses enormous ones', async () => {
    const socket = await chat.client.webSocket('/chat/room/long');
    await socket.receive();
    await socket.send('x'.repeat(501));
    expect(await socket.receive()).toBe('x'.repeat(500));
    await socket.send('x'.repeat(17 * 1024));
    expect((await socket.closed).code).toBe(1009);
  });

  it('sends its guests away when it is loaded anew', async () => {
    const socket = await chat.client.webSocket('/chat/room');
    await chat.reload();
    expect((await socket.closed).code).toBe(1001);
  });
});
