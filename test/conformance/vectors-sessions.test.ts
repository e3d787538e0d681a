import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import {
  type CookieSessionConfig,
  encrypted,
  MemorySessionStorage,
  Sessions,
  type SessionTransform,
  sessionKey,
  sessions,
  signed,
} from 'portico/plugins/sessions';
import { type TestApplicationEngine, testApplication } from 'portico/testing';
import { parseSetCookie } from '#host/http/set-cookie.js';
import { readVectors } from '#test/support/vectors.js';

interface Encrypted {
  readonly source: string;
  readonly encryptionKeyHex: string;
  readonly signKeyHex: string;
  readonly ivHex: string;
  readonly plaintext: string;
  readonly encoded: string;
  readonly legacyMacOverPlaintext?: { readonly encoded: string };
}
interface Scenario {
  readonly source: string;
  readonly config?: { tracker?: 'value' | 'id'; maxAgeSeconds?: null; sendOnlyIfModified?: boolean };
  readonly request?: { readonly cookie?: string; readonly session?: string };
  readonly steps?: readonly string[];
  readonly register?: readonly (readonly [type: string, name: string])[];
  readonly expect: {
    readonly setCookie?: boolean;
    readonly sameId?: boolean;
    readonly maxAge?: null;
    readonly expires?: null;
    readonly error?: string | boolean;
  };
}
interface Vectors {
  readonly transformers: {
    readonly order: readonly {
      transformers: { append: string }[];
      write: { input: string; expect: string };
      read: { input: string; expect: string };
    }[];
    readonly encrypt: readonly Encrypted[];
    readonly encryptRead: readonly { input: string; expect: null }[];
    readonly ivSize: readonly { keyBytes: number; ivBytes: number }[];
    readonly mac: readonly { keyHex?: string; plaintext?: string; encoded?: string; rule?: string }[];
  };
  readonly scenarios: readonly Scenario[];
}

const { transformers, scenarios } = readVectors<Vectors>('sessions');
const hex = (text = '') => Buffer.from(text, 'hex');
const Key = sessionKey<string>('session');

/** An application that sets and gives the session as text. */
function start(configure: (config: CookieSessionConfig<string>) => void): Promise<TestApplicationEngine> {
  return testApplication((application) => {
    application.install(Sessions, (config) =>
      config.cookie(Key, (cookie) => {
        cookie.serializer = { serialize: (value) => value, deserialize: (text) => text };
        configure(cookie);
      }),
    );
    routing(application, (r) => {
      r.post('/', async (call) => {
        sessions(call).set(Key, await call.receiveText());
        return call.respondStatus(204);
      });
      r.get('/', (call) => call.respondText(sessions(call).get(Key) ?? 'none'));
    });
  });
}

const get = async ({ client }: TestApplicationEngine, cookie: string) =>
  (await client.get('/', { headers: { Cookie: `session=${cookie}` } })).text();

describe('sessions: transforms', () => {
  it.each(transformers.order)('are applied in order and undone in reverse', async (one) => {
    const application = await start((cookie) => {
      for (const { append } of one.transformers)
        cookie.transform({
          write: (text) => text + append,
          read: (text) => (text.endsWith(append) ? text.slice(0, -append.length) : undefined),
        });
    });
    const answer = await application.client.post('/', { body: one.write.input });
    expect(parseSetCookie(answer.header('set-cookie') ?? '')?.value).toBe(one.write.expect);
    expect(await get(application, encodeURIComponent(one.read.input))).toBe(one.read.expect);
    await application.stop();
  });

  const encryption = (one: Encrypted, readsPlaintextMac = false): SessionTransform =>
    encrypted(
      { encryptionKey: hex(one.encryptionKeyHex), signKey: hex(one.signKeyHex) },
      { isKtorCompatible: true, readsPlaintextMac, makeIv: () => hex(one.ivHex) },
    );

  it.each(transformers.encrypt)('$source', (one) => {
    expect(encryption(one).write(one.plaintext)).toBe(one.encoded);
    expect(encryption(one).read(one.encoded)).toBe(one.plaintext);
    const legacy = one.legacyMacOverPlaintext?.encoded;
    if (legacy === undefined) return;
    expect(encryption(one).read(legacy)).toBeUndefined();
    expect(encryption(one, true).read(legacy)).toBe(one.plaintext);
  });

  it.each(transformers.encryptRead)('does not read $input', ({ input }) => {
    expect(encryption(transformers.encrypt[0] as Encrypted, true).read(input)).toBeUndefined();
  });

  it.each(transformers.ivSize)('a key of $keyBytes bytes takes a vector of $ivBytes', (one) => {
    const transform = encrypted({ encryptionKey: Buffer.alloc(one.keyBytes, 7), signKey: 'sign' });
    const text = transform.write('text');
    expect(hex(text.slice(0, text.indexOf('/'))).length).toBe(one.ivBytes);
    expect(transform.read(text)).toBe('text');
  });

  it.each(transformers.mac.filter(({ rule }) => rule === undefined))('signs $plaintext', (one) => {
    expect(signed(hex(one.keyHex)).write(one.plaintext ?? '')).toBe(one.encoded);
    expect(signed(hex(one.keyHex)).read(one.encoded ?? '')).toBe(one.plaintext);
  });

  it.each(transformers.mac.filter(({ rule }) => rule !== undefined))('$rule', async () => {
    const application = await start((cookie) => cookie.transform(signed('secret')));
    const good = signed('secret').write('text');
    const other = good.endsWith('0') ? '1' : '0';
    expect(await get(application, encodeURIComponent(good))).toBe('text');
    expect(await get(application, encodeURIComponent(good.slice(0, -1) + other))).toBe('none');
    expect(await get(application, encodeURIComponent(`${good.slice(0, -1)}g`))).toBe('none');
    expect(await (await application.client.get('/')).text()).toBe('none');
    await application.stop();
  });
});

describe('sessions: scenarios', () => {
  it.each(scenarios.filter(({ register }) => register !== undefined))('$source', async (one) => {
    const starting = testApplication((application) => {
      application.install(Sessions, (config) => {
        for (const [type, name] of one.register ?? [])
          config.cookie(sessionKey<string>(type), (cookie) => {
            cookie.name = name;
          });
      });
    });
    if (one.expect.error === true)
      await expect(starting).rejects.toMatchObject({ code: 'PORTICO_SESSION_DUPLICATE' });
    else await (await starting).stop();
  });

  it.each(scenarios.filter(({ register }) => register === undefined))('$source', async (one) => {
    let thrown: unknown;
    const storage = new MemorySessionStorage();
    storage.write('known-id', JSON.stringify('S0'), 60);
    const application = await testApplication((app) => {
      app.install(Sessions, (config) =>
        config.cookie(Key, (cookie) => {
          if (one.config?.tracker === 'id') cookie.storage = storage;
          if (one.config?.maxAgeSeconds === null) cookie.maxAgeSeconds = undefined;
          cookie.sendOnlyIfModified = one.config?.sendOnlyIfModified === true;
        }),
      );
      routing(app, (r) =>
        r.get('/', (call) => {
          try {
            for (const step of one.steps ?? [])
              if (step === 'respond') call.respondText('ok');
              else if (step === 'clear') sessions(call).clear(Key);
              else sessions(call).set(Key, step.split(' ')[1] ?? 'S1');
          } catch (error) {
            thrown = error;
          }
        }),
      );
    });
    const { cookie = '', session } = one.request ?? {};
    const sent = session === undefined ? cookie.replace('<valid id>', 'known-id') : JSON.stringify(session);
    const answer = await application.client.get('/', {
      headers: sent === '' ? {} : { Cookie: `session=${encodeURIComponent(sent)}` },
    });
    const set = answer.header('set-cookie');
    const code = { TooLateSessionSet: 'PORTICO_SESSION_TOO_LATE' }[String(one.expect.error)];
    expect((thrown as { code?: string } | undefined)?.code).toBe(code);
    if (one.expect.setCookie !== undefined) expect(set !== undefined).toBe(one.expect.setCookie);
    if (one.expect.sameId === true) expect(parseSetCookie(set ?? '')?.value).toBe('known-id');
    if (one.expect.maxAge === null) expect(parseSetCookie(set ?? '')?.maxAgeSeconds).toBeUndefined();
    if (one.expect.expires === null) expect(parseSetCookie(set ?? '')?.expires).toBeUndefined();
    await application.stop();
  });
});
