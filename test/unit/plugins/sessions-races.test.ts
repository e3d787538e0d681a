import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type ApplicationCall, routing } from 'portico';
import {
  CacheSessionStorage,
  DirectorySessionStorage,
  MemorySessionStorage,
  type SessionStorage,
  Sessions,
  sessionKey,
  sessions,
} from 'portico/plugins/sessions';
import { testApplication } from 'portico/testing';
import { parseSetCookie } from '#host/http/set-cookie.js';

const User = sessionKey<{ name: string; visits: number }>('user');

/** One call is under way while another one ends, or renews, its session. */
async function race(
  storage: SessionStorage,
  slow: (call: ApplicationCall<unknown>) => void,
  quick: (call: ApplicationCall<unknown>) => void,
): Promise<{ slowCookie: string | undefined; quickId: string | undefined; storedOld: string | undefined }> {
  let arrived = (): void => undefined;
  const isUnderWay = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let go = (): void => undefined;
  const mayGo = new Promise<void>((resolve) => {
    go = resolve;
  });
  const application = await testApplication((app) => {
    app.install(Sessions, (config) =>
      config.cookie(User, (cookie) => {
        cookie.storage = storage;
      }),
    );
    routing(app, (r) => {
      r.get('/login', (call) => {
        sessions(call).set(User, { name: 'ada', visits: 0 });
        return call.respondStatus(204);
      });
      r.get('/slow', async (call) => {
        slow(call);
        arrived();
        await mayGo;
        return call.respondStatus(204);
      });
      r.get('/quick', (call) => {
        quick(call);
        return call.respondStatus(204);
      });
    });
  });
  const { client } = application;
  const idOf = (lines: readonly string[]) => parseSetCookie(lines[0] ?? '')?.value;
  const id = idOf((await client.get('/login')).headerAll('set-cookie')) ?? '';
  const headers = { Cookie: `user=${id}` };
  const waiting = client.get('/slow', { headers });
  await isUnderWay;
  const quickId = idOf((await client.get('/quick', { headers })).headerAll('set-cookie'));
  go();
  const slowCookie = idOf((await waiting).headerAll('set-cookie'));
  const storedOld = await storage.read(id);
  await application.stop();
  return { slowCookie, quickId, storedOld };
}

const read = (call: ApplicationCall<unknown>): void => void sessions(call).get(User);
const visit = (call: ApplicationCall<unknown>): void => {
  const user = sessions(call).get(User);
  if (user !== undefined) user.visits++;
};
const logout = (call: ApplicationCall<unknown>): void => sessions(call).clear(User);
const renew = (call: ApplicationCall<unknown>): void => sessions(call).renewId(User);

describe('a call that is answered after the logout of another', () => {
  const folders: string[] = [];
  const kinds: [string, () => SessionStorage | Promise<SessionStorage>][] = [
    ['memory', () => new MemorySessionStorage()],
    [
      'a folder',
      async () => {
        folders.push(await mkdtemp(join(tmpdir(), 'sessions-')));
        return new DirectorySessionStorage(folders.at(-1) ?? '');
      },
    ],
    ['a cache', () => new CacheSessionStorage(new MemorySessionStorage())],
    [
      'a storage with the least there is',
      () => {
        const behind = new MemorySessionStorage();
        return {
          read: (id) => behind.read(id),
          write: (id, text, seconds) => behind.write(id, text, seconds),
          remove: (id) => behind.remove(id),
        };
      },
    ],
  ];

  it.each(kinds)('does not bring the session back, in %s', async (_name, make) => {
    const storage = await make();
    const { slowCookie, storedOld } = await race(storage, visit, logout);
    expect([slowCookie, storedOld]).toEqual([undefined, undefined]);
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });

  it.each([
    ['reads', read],
    ['changes', visit],
  ])('does not take the new id from the client although it %s the old one', async (_name, slow) => {
    const { slowCookie, quickId, storedOld } = await race(new MemorySessionStorage(), slow, renew);
    expect(quickId).toBeDefined();
    expect([slowCookie, storedOld]).toEqual([undefined, undefined]);
  });
});
