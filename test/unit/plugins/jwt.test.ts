import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, type JWTPayload, SignJWT } from 'jose';
import { routing } from 'portico';
import { Authentication, authenticate, principal } from 'portico/plugins/authentication';
import { type JwtOptions, jwt } from 'portico/plugins/jwt';
import { testApplication } from 'portico/testing';
import { remoteKeySet } from '#host/plugins/jwt/remote-key-set.js';
import { undisturbed, until } from '#test/support/polling.js';
import { RecordingLog } from '#test/support/recording-log.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const SECRET = 'a secret of at least 32 characters';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const nowSeconds = Date.UTC(2026, 0, 1) / 1000;
const now = () => nowSeconds * 1000;

interface Signing {
  readonly claims?: JWTPayload;
  readonly alg?: string;
  readonly key?: string | KeyObject;
  readonly kid?: string;
  readonly typ?: string;
}

function sign({ claims = {}, alg = 'HS256', key = SECRET, kid, typ }: Signing = {}): Promise<string> {
  const header = { alg, ...(kid === undefined ? {} : { kid }), ...(typ === undefined ? {} : { typ }) };
  return new SignJWT({ sub: 'jo', exp: nowSeconds + 60, ...claims })
    .setProtectedHeader(header)
    .sign(typeof key === 'string' ? Buffer.from(key) : key);
}

type Options = Partial<JwtOptions<string>> & Pick<JwtOptions<string>, 'key'>;

/** Status and body for each of some tokens. */
async function ask(
  options: Options,
  tokens: readonly (string | undefined)[],
  log = new RecordingLog(),
): Promise<readonly (readonly [number, string])[]> {
  const Api = jwt('api', { now, validate: ({ claims }) => claims.sub, ...options });
  const application = await testApplication(
    (app) => {
      app.install(Authentication, (config) => config.provider(Api));
      routing(app, (route) => authenticate(route, [Api], (r) => r.get('/', (call) => principal(call, Api))));
    },
    { log },
  );
  const found: (readonly [number, string])[] = [];
  for (const token of tokens) {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const response = await application.client.get('/', { headers });
    found.push([response.status, await response.text()]);
    if (response.status === 401)
      expect(response.headers).toMatchObject({ 'www-authenticate': 'Bearer realm="Portico"' });
  }
  await application.stop();
  return found;
}

const JO = [200, 'jo'] as const;
const NO = [401, ''] as const;

describe('jwt', () => {
  it('knows a caller by a token that is signed with the secret or the private key', async () => {
    expect(await ask({ key: { secret: SECRET } }, [await sign()])).toEqual([JO]);
    expect(await ask({ key: { secret: Buffer.from(SECRET) } }, [await sign()])).toEqual([JO]);
    const byRsa = await sign({ alg: 'RS256', key: rsa.privateKey });
    expect(await ask({ key: { publicKey: pem } }, [byRsa])).toEqual([JO]);
    expect(await ask({ key: { publicKey: rsa.publicKey } }, [byRsa])).toEqual([JO]);
    expect(
      await ask({ key: { publicKey: ec.publicKey } }, [await sign({ alg: 'ES256', key: ec.privateKey })]),
    ).toEqual([JO]);
  });

  it('refuses all others alike, and tells neither the client nor the log what was sent', async () => {
    const good = await sign();
    const [head, body, signature] = good.split('.') as [string, string, string];
    const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const tokens = [
      undefined,
      'x',
      'a.b.c',
      '..',
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}.${json({ sub: 'root' })}.${signature}`,
      `${head}.${body}.${signature.slice(1)}`,
      `${json({ alg: 'HS256', crit: ['x'], x: 1 })}.${body}.${signature}`,
      `${json('x')}.${body}.${signature}`,
      `${Buffer.from([0xff]).toString('base64url')}.${body}.${signature}`,
      `${good}.${good}`,
      'x'.repeat(100_000),
      await sign({ key: `${SECRET}!` }),
    ];
    const log = new RecordingLog();
    const found = await ask({ key: { secret: SECRET } }, tokens, log);
    expect(found).toEqual(tokens.map(() => NO));
    expect([...log.of('warn'), ...log.of('error')]).toEqual([]);
    expect(log.lines.join()).not.toContain(body);
    expect(log.lines.join()).not.toContain(SECRET);
  });

  it('checks issuer, audience, times and type', async () => {
    const options: Options = {
      key: { secret: SECRET },
      issuer: ['https://login.example'],
      audience: 'shop',
      leewaySeconds: 10,
      type: 'at+jwt',
    };
    const right = { iss: 'https://login.example', aud: ['shop', 'x'] };
    const typ = 'at+jwt';
    const tokens = await Promise.all([
      sign({ typ, claims: right }),
      sign({ typ, claims: { ...right, exp: nowSeconds - 9 } }),
      sign({ typ, claims: { ...right, nbf: nowSeconds + 9 } }),
      sign({ typ, claims: { ...right, exp: nowSeconds - 11 } }),
      sign({ typ, claims: { ...right, nbf: nowSeconds + 11 } }),
      sign({ typ, claims: { ...right, iss: 'https://evil.example' } }),
      sign({ typ, claims: { ...right, aud: 'other' } }),
      sign({ typ, claims: { aud: 'shop' } }),
      sign({ claims: right }),
    ]);
    expect(await ask(options, tokens)).toEqual([JO, JO, JO, NO, NO, NO, NO, NO, NO]);
  });

  it('wants an end of the token, and a principal', async () => {
    const endless = await new SignJWT({ sub: 'jo' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(SECRET));
    expect(await ask({ key: { secret: SECRET } }, [endless])).toEqual([NO]);
    expect(await ask({ key: { secret: SECRET }, requiredClaims: ['sub'] }, [endless])).toEqual([JO]);
    expect(await ask({ key: { secret: SECRET }, validate: () => undefined }, [await sign()])).toEqual([NO]);
  });

  it('takes no unsigned token, and none that is signed with a public key as secret', async () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = part({ sub: 'jo', exp: nowSeconds + 60 });
    const unsigned = ['none', 'None', 'NONE', ''].map((alg) => `${part({ alg, typ: 'JWT' })}.${body}.`);
    const confused = ['HS256', 'HS512'].map((alg) => {
      const text = `${part({ alg, typ: 'JWT' })}.${body}`;
      const mac = createHmac(alg === 'HS256' ? 'sha256' : 'sha512', pem)
        .update(text)
        .digest('base64url');
      return `${text}.${mac}`;
    });
    const jwk = { ...(await exportJWK(rsa.publicKey)), kid: 'one' };
    for (const key of [{ publicKey: pem }, { jwks: { keys: [jwk] } }, { secret: SECRET }])
      expect(await ask({ key }, [...unsigned, ...confused])).toEqual(Array(6).fill(NO));
    // The token says which key to take: it may not bring its own.
    const own = await new SignJWT({ sub: 'jo', exp: nowSeconds + 60 })
      .setProtectedHeader({ alg: 'RS256', jwk: await exportJWK(rsa.publicKey) })
      .sign(rsa.privateKey);
    expect(await ask({ key: { publicKey: ec.publicKey } }, [own])).toEqual([NO]);
    const ownSet = { jwks: { keys: [{ ...(await exportJWK(ec.publicKey)), kid: 'one' }] } };
    expect(await ask({ key: ownSet }, [own])).toEqual([NO]);
  });

  it.each<[string, () => Options]>([
    ['none', () => ({ key: { secret: SECRET }, algorithms: ['none'] })],
    ['a secret with RS256', () => ({ key: { secret: SECRET }, algorithms: ['RS256'] })],
    ['a public key with HS256', () => ({ key: { publicKey: pem }, algorithms: ['RS256', 'HS256'] })],
    ['an RSA key with ES256', () => ({ key: { publicKey: pem }, algorithms: ['ES256'] })],
    ['no algorithm', () => ({ key: { publicKey: pem }, algorithms: [] })],
  ])('refuses %s when it is made', (_, options) => {
    const refused = expect.objectContaining({ code: 'PORTICO_JWT_ALGORITHM' });
    expect(() => jwt('x', { validate: () => 'x', ...options() })).toThrow(refused);
  });

  it.each<[string, () => Options['key']]>([
    ['a short secret', () => ({ secret: 'short' })],
    ['an empty secret', () => ({ secret: '' })],
    ['a private key', () => ({ publicKey: rsa.privateKey })],
    ['a text that is no key', () => ({ publicKey: 'x' })],
    ['a weak key', () => ({ publicKey: generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey })],
    ['another kind of key', () => ({ publicKey: generateKeyPairSync('x25519').publicKey })],
    ['a missing file', () => ({ jwksFile: '/nowhere/keys.json' })],
    ['something that is no key set', () => ({ jwks: { keys: 'x' } as never })],
    ['a key set that could be replaced', () => ({ jwksUrl: 'http://login.example/keys' })],
  ])('refuses %s when it is made', (_, key) => {
    const refused = expect.objectContaining({ code: 'PORTICO_JWT_KEY' });
    expect(() => jwt('x', { validate: () => 'x', key: key() })).toThrow(refused);
  });
});

describe('the key set of a jwt', () => {
  const folder = new TemporaryFolder();
  let keys: unknown[] = [];
  let status = 200;
  let requests = 0;
  let isSilent = false;
  const server = createServer((_, response) => {
    requests++;
    if (isSilent) return;
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keys }));
  });
  let url = '';

  beforeAll(async () => {
    keys = [
      { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', alg: 'RS256' },
      { ...(await exportJWK(ec.publicKey)), kid: 'ec', alg: 'ES256' },
    ];
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  });
  afterAll(async () => {
    folder.remove();
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  const signed = () =>
    Promise.all([
      sign({ alg: 'RS256', key: rsa.privateKey, kid: 'rsa' }),
      sign({ alg: 'ES256', key: ec.privateKey, kid: 'ec' }),
      sign({ alg: 'RS256', key: rsa.privateKey, kid: 'ec' }),
      sign({ alg: 'RS256', key: rsa.privateKey, kid: 'unknown' }),
    ]);

  it('may be in a file', async () => {
    folder.write('.', { 'keys.json': JSON.stringify({ keys }) });
    const found = await ask({ key: { jwksFile: folder.at('keys.json') } }, await signed());
    expect(found).toEqual([JO, JO, NO, NO]);
  });

  it('may be at the issuer, and is got once', async () => {
    requests = 0;
    expect(await ask({ key: { jwksUrl: url } }, await signed())).toEqual([JO, JO, NO, NO]);
    expect(requests).toBe(1);
  });

  it('is got again for a new key', async () => {
    const [first, second] = await signed();
    const all = keys;
    keys = all.slice(0, 1);
    const Api = jwt('api', {
      key: { jwksUrl: url, cooldownMs: 0 },
      now,
      validate: ({ claims, keyId }) => `${claims.sub} by ${keyId}`,
    });
    const application = await testApplication((app) => {
      app.install(Authentication, (config) => config.provider(Api));
      routing(app, (route) => authenticate(route, [Api], (r) => r.get('/', (call) => principal(call, Api))));
    });
    const get = async (token = '') => {
      const response = await application.client.get('/', { headers: { Authorization: `Bearer ${token}` } });
      return [response.status, await response.text()];
    };
    expect(await get(first)).toEqual([200, 'jo by rsa']);
    keys = all;
    expect(await get(second)).toEqual([200, 'jo by ec']);
    await application.stop();
  });

  it.each([
    ['says no', () => (status = 500)],
    ['says nothing', () => (isSilent = true)],
    ['is no key set', () => (keys = 'x' as never)],
    ['sends more than 1 MiB', () => (keys = [...keys, 'x'.repeat(1024 * 1024)])],
  ])('that cannot be got is no fault of the token: the issuer %s', async (_, breakIt) => {
    const [status0, keys0] = [status, keys];
    breakIt();
    const log = new RecordingLog();
    const [token] = await signed();
    expect(await ask({ key: { jwksUrl: url, timeoutMs: 200 } }, [token, 'x'], log)).toEqual([[503, ''], NO]);
    expect(log.of('warn').join()).toContain('could not be got');
    expect(log.lines.join()).not.toContain(token);
    [status, keys, isSilent] = [status0, keys0, false];
  });

  it('is asked for once, not with each token, while the issuer is broken', async () => {
    const [token] = await signed();
    status = 500;
    const Api = jwt('api', { key: { jwksUrl: url }, now, validate: ({ claims }) => claims.sub });
    const application = await testApplication((app) => {
      app.install(Authentication, (config) => config.provider(Api));
      routing(app, (route) => authenticate(route, [Api], (r) => r.get('/', (call) => principal(call, Api))));
    });
    const get = async () => {
      const response = await application.client.get('/', { headers: { Authorization: `Bearer ${token}` } });
      return response.status;
    };
    try {
      // On a machine that stands still, more than a second may lie between two tokens.
      await undisturbed(async () => {
        requests = 0;
        for (let i = 0; i < 20; i++) expect(await get()).toBe(503);
        expect(requests).toBeLessThan(3);
      })();
    } finally {
      status = 200;
    }
    await until('the issuer is asked anew', async () => (await get()) === 200);
    await application.stop();
  });

  it('finds the keys it has while the issuer is broken, and does not ask for others with each token', async () => {
    const [first, , , unknown = ''] = await signed();
    const found = async (token = '') => keySet({ alg: 'RS256', kid: kidOf(token) }, {} as never);
    const keySet = remoteKeySet(new URL(url), { cooldownMs: 0 });
    expect(await found(first)).toBeDefined();
    status = 500;
    try {
      await undisturbed(async () => {
        requests = 0;
        for (let i = 0; i < 20; i++) {
          await expect(found(unknown)).rejects.toMatchObject({ code: 'PORTICO_JWT_KEY_SET' });
          expect(await found(first)).toBeDefined();
        }
        expect(requests).toBeLessThan(3);
      })();
    } finally {
      status = 200;
    }
    await until('the issuer is asked anew', () =>
      found(unknown).then(
        () => true,
        (error: { code: string }) => error.code === 'ERR_JWKS_NO_MATCHING_KEY',
      ),
    );
  });
});

function kidOf(token: string): string {
  const [head = ''] = token.split('.');
  return (JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string }).kid;
}
