import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import {
  CacheSessionStorage,
  DirectorySessionStorage,
  MemorySessionStorage,
  RedisSessionStorage,
  type SessionStorage,
  Sessions,
  sessionKey,
  sessions,
} from 'portico/plugins/sessions';
import { testApplication } from 'portico/testing';
import { createClient } from 'redis';
import { until } from '#test/support/polling.js';
import { RecordingLog } from '#test/support/recording-log.js';
import { hasRedis, RedisServer } from '#test/support/redis-server.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

/** What every storage does. */
function keepsSessions(storage: () => SessionStorage): void {
  it('gives what was written last, and nothing that was not', async () => {
    expect(await storage().read('nobody')).toBeUndefined();
    await storage().write('a', 'one', 60);
    await storage().write('a', 'two ✓', 60);
    await storage().write('b', '', 60);
    expect([await storage().read('a'), await storage().read('b')]).toEqual(['two ✓', '']);
  });

  it('forgets, and says nothing about what it did not know', async () => {
    await storage().write('gone', 'x', 60);
    await storage().remove('gone');
    await storage().remove('gone');
    await storage().touch?.('gone', 60);
    expect(await storage().read('gone')).toBeUndefined();
  });

  it('takes ids for nothing but ids', async () => {
    const ids = ['../../etc/passwd', '/', '.', '..', 'a*', '%00', '$(reboot)', 'x'.repeat(256), '__proto__'];
    for (const id of ids) await storage().write(id, `of ${id}`, 60);
    for (const id of ids) expect(await storage().read(id)).toBe(`of ${id}`);
    for (const id of ids) await storage().remove(id);
    for (const id of ids) expect(await storage().read(id)).toBeUndefined();
  });

  it('gives one of the texts when many write at once', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(1000));
    await Promise.all(texts.map((text) => storage().write('busy', text, 60)));
    expect(texts).toContain(await storage().read('busy'));
  });
}

/** Storages whose clock can be set. */
function endsSessions(storage: () => SessionStorage, pass: (seconds: number) => void): void {
  it('ends a session, later when it is touched', async () => {
    await storage().write('short', 'x', 10);
    await storage().write('touched', 'x', 10);
    pass(6);
    await storage().touch?.('touched', 10);
    pass(6);
    expect([await storage().read('short'), await storage().read('touched')]).toEqual([undefined, 'x']);
  });
}

let nowMs = Date.UTC(2026, 0, 1);
const now = () => nowMs;
const pass = (seconds: number) => {
  nowMs += seconds * 1000;
};

describe('MemorySessionStorage', () => {
  const storage = new MemorySessionStorage({ now });
  keepsSessions(() => storage);
  endsSessions(() => storage, pass);

  it('is bounded: the session that was written longest ago goes first', () => {
    const small = new MemorySessionStorage({ maxSessions: 2, now });
    small.write('a', '1', 60);
    small.write('b', '2', 60);
    small.touch('a', 60);
    small.write('c', '3', 60);
    expect([small.size, small.read('a'), small.read('b'), small.read('c')]).toEqual([2, '1', undefined, '3']);
  });

  it('drops what has ended when something is written', () => {
    const own = new MemorySessionStorage({ now });
    own.write('a', '1', 1);
    pass(2);
    own.write('b', '2', 1);
    expect(own.size).toBe(1);
  });
});

describe('DirectorySessionStorage', () => {
  const folder = new TemporaryFolder();
  const storage = new DirectorySessionStorage(folder.at('sessions'), { now });
  afterAll(() => folder.remove());
  keepsSessions(() => storage);
  endsSessions(() => storage, pass);

  it('shows neither ids nor sessions to other users of the machine', async () => {
    await storage.write('secret-id', 'text', 60);
    const files = readdirSync(folder.at('sessions'));
    expect(files.every((name) => /^[0-9a-f]{64}$/.test(name))).toBe(true);
    const modes = files.map((name) => statSync(folder.at('sessions', name)).mode & 0o777);
    expect([statSync(folder.at('sessions')).mode & 0o777, ...new Set(modes)]).toEqual([0o700, 0o600]);
  });

  it('sweeps what has ended, and leaves files of others alone', async () => {
    mkdirSync(folder.at('own'));
    writeFileSync(folder.at('own', 'README'), 'x');
    const own = new DirectorySessionStorage(folder.at('own'), { now });
    await own.write('a', '1', 10);
    pass(4000);
    await own.write('b', '2', 10);
    expect(readdirSync(folder.at('own')).length).toBe(2);
  });

  it('is rejected when the folder cannot be one', async () => {
    writeFileSync(folder.at('file'), '');
    const wrong = new DirectorySessionStorage(folder.at('file', 'below'));
    await expect(Promise.resolve(wrong.write('a', '1', 10))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

describe('CacheSessionStorage', () => {
  const behind = new MemorySessionStorage({ now });
  const storage = new CacheSessionStorage(behind, { now, maxAgeMs: 5000 });
  keepsSessions(() => storage);
  endsSessions(() => storage, pass);

  it('asks the storage behind again after a while only', async () => {
    await storage.write('a', 'one', 60);
    behind.write('a', 'two', 60);
    expect(await storage.read('a')).toBe('one');
    pass(6);
    expect(await storage.read('a')).toBe('two');
  });

  it('does not give what the storage behind did not take', async () => {
    const failing: SessionStorage = {
      read: () => undefined,
      write: () => Promise.reject(new Error('full')),
      remove: () => undefined,
    };
    const own = new CacheSessionStorage(failing, { now });
    await expect(own.write('a', 'x', 60)).rejects.toThrow('full');
    expect(await own.read('a')).toBeUndefined();
  });
});

const left = hasRedis ? '' : ' (LEFT OUT: there is no redis-server on this machine)';
(hasRedis ? describe : describe.skip)(`RedisSessionStorage${left}`, () => {
  const server = new RedisServer();
  const client = createClient({ socket: { path: server.socket, tls: false } });
  // What fails is seen by the call that fails.
  client.on('error', () => undefined);
  const storage = new RedisSessionStorage(client);

  beforeAll(async () => {
    await server.start();
    await client.connect();
  });
  afterAll(async () => {
    client.destroy();
    await server.stop();
  });
  keepsSessions(() => storage);

  it('has Redis end a session, later when it is touched', async () => {
    await storage.write('short', 'x', 1);
    await storage.write('long', 'x', 1000);
    await storage.touch('long', 5000);
    await until(async () => (await storage.read('short')) === undefined);
    expect(await client.ttl('session:long')).toBeGreaterThan(1000);
  });

  it('keeps sessions of several applications apart by a prefix', async () => {
    const other = new RedisSessionStorage(client, { prefix: 'shop:' });
    await other.write('a', 'shop', 60);
    await storage.write('a', 'here', 60);
    expect([await other.read('a'), await client.get('shop:a')]).toEqual(['shop', 'shop']);
  });

  it('concerns only calls that need it when Redis goes away, until it is back', async () => {
    const Name = sessionKey<string>('name');
    const log = new RecordingLog();
    const application = await testApplication(
      (app) => {
        app.install(Sessions, (config) =>
          config.cookie(Name, (cookie) => {
            cookie.storage = storage;
            cookie.storageTimeoutMs = 1000;
          }),
        );
        routing(app, (r) => {
          r.post('/', (call) => {
            sessions(call).set(Name, 'jo');
            return call.respondStatus(204);
          });
          r.get('/', (call) => sessions(call).get(Name) ?? 'nobody');
          r.get('/free', () => 'free');
        });
      },
      { log },
    );
    const cookie = (await application.client.post('/')).header('set-cookie')?.split(';')[0] ?? '';
    const get = async (path: string) => {
      const response = await application.client.get(path, { headers: { Cookie: cookie } });
      return [response.status, await response.text()];
    };
    expect([await get('/'), await get('/free')]).toEqual([
      [200, 'jo'],
      [200, 'free'],
    ]);
    await server.kill();
    expect([await get('/'), await get('/free')]).toEqual([
      [500, ''],
      [200, 'free'],
    ]);
    expect(log.of('error').length).toBe(1);
    await server.start();
    await until('sessions work again', async () => (await get('/'))[1] === 'nobody');
    await application.stop();
  });
});
