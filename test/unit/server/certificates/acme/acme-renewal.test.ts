import { randomBytes, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { AcmeConfig } from '#host/config/acme-config.js';
import { createServerLog } from '#host/log/server-log.js';
import { AcmeChallenges, type TlsChallenge } from '#host/server/certificates/acme/acme-challenges.js';
import { AcmeRenewal } from '#host/server/certificates/acme/acme-renewal.js';
import { AcmeServer } from '#test/support/acme/acme-server.js';
import { until } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

describe('AcmeRenewal', () => {
  let folder: TemporaryFolder;
  let authority: AcmeServer;
  let web: Server;
  let tls: ReturnType<typeof createTlsServer>;
  /** What the fronts would have been told. */
  let tokens: Readonly<Record<string, string>>;
  let shown: readonly TlsChallenge[];
  let challenges: AcmeChallenges;
  let log: Record<string, unknown>[];
  const renewals: AcmeRenewal[] = [];

  beforeEach(async () => {
    folder = new TemporaryFolder();
    authority = await AcmeServer.start();
    tokens = {};
    shown = [];
    log = [];
    challenges = new AcmeChallenges({
      http: async (all) => {
        tokens = all;
      },
      tls: async (all) => {
        shown = all;
      },
    });
    web = createHttpServer((request, response) => {
      const answer = tokens[request.url?.split('/').at(-1) ?? ''];
      response.writeHead(answer === undefined ? 404 : 200).end(answer);
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    tls = createTlsServer({
      ALPNProtocols: ['acme-tls/1'],
      SNICallback: (name, done) => {
        const challenge = shown.find(({ host }) => host === name);
        done(null, challenge && createSecureContext(challenge));
      },
    });
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    authority.ports.http = (web.address() as AddressInfo).port;
    authority.ports.tls = (tls.address() as AddressInfo).port;
    folder.write('', { 'ca.pem': authority.authority.certificatePem });
  });
  afterEach(async () => {
    for (const renewal of renewals.splice(0)) await renewal.stop();
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
    await new Promise((resolve) => tls.close(resolve));
    await authority.stop();
    folder.remove();
  });

  let obtained = 0;
  const renewal = (more: Partial<AcmeConfig> = {}): AcmeRenewal => {
    obtained = 0;
    const made = new AcmeRenewal({
      connector: 'https',
      config: {
        directory: authority.directoryUrl,
        directoryCaFile: folder.at('ca.pem'),
        contact: ['ops@example.org'],
        externalAccount: undefined,
        hosts: ['a.example', 'b.example'],
        challenge: 'http-01',
        keyType: 'ec-p256',
        renewBeforeMs: undefined,
        minRetryMs: 50,
        maxRetryMs: 200,
        ...more,
      },
      workFolder: folder.at('work'),
      challenges,
      log: createServerLog({ format: 'json', out: { write: (text) => log.push(JSON.parse(text)) } }),
      obtained: () => {
        obtained += 1;
      },
    });
    renewals.push(made);
    return made;
  };
  const certificate = (of: AcmeRenewal) => {
    const text = readFileSync(of.file, 'utf8');
    return new X509Certificate(text.slice(text.indexOf('-----BEGIN CERT')));
  };
  const failed = async (of: AcmeRenewal, pattern: RegExp) =>
    await until(`it has failed with ${pattern}`, () => pattern.test(of.status.lastError?.message ?? ''));

  it('serves a stand-in at once, then the certificate of the authority, by http-01', async () => {
    const one = renewal();
    await one.prepare();
    expect(certificate(one).issuer).toBe('CN=a.example');
    expect(obtained).toBe(0);
    one.start();
    await until(() => obtained === 1);
    expect(certificate(one).issuer).toBe('CN=Test authority');
    expect(certificate(one).subjectAltName).toBe('DNS:a.example, DNS:b.example');
    expect(one.status).toMatchObject({ state: 'waiting', failures: 0, lastError: undefined });
    const days = (Date.parse(one.status.nextAttemptAt ?? '') - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(57);
    expect(days).toBeLessThan(61);
    // Nothing is left to be asked for.
    expect(tokens).toEqual({});
    expect([...authority.accounts.values()]).toMatchObject([{ contact: ['mailto:ops@example.org'] }]);
    expect(log.map(({ event }) => event)).toEqual(['acme-stand-in', 'acme-certificate']);
  });

  it('gets one by tls-alpn-01, with an RSA key', async () => {
    const one = renewal({ challenge: 'tls-alpn-01', keyType: 'rsa-2048' });
    await one.prepare();
    one.start();
    await until(() => obtained === 1);
    expect(certificate(one).publicKey.asymmetricKeyType).toBe('rsa');
    expect(shown).toEqual([]);
  });

  it('keeps account, key and certificate for the owner alone, and uses them after a restart', async () => {
    const one = renewal();
    await one.prepare();
    one.start();
    await until(() => obtained === 1);
    await one.stop();
    const of = join(one.file, '..');
    expect(statSync(of).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(of)) expect(statSync(join(of, name)).mode & 0o777).toBe(0o600);
    const before = certificate(one).serialNumber;
    const asked = authority.requests.length;
    const two = renewal();
    await two.prepare();
    two.start();
    expect(certificate(two).serialNumber).toBe(before);
    expect(Date.parse(two.status.nextAttemptAt ?? '')).toBeGreaterThan(Date.now() + 86_400_000);
    expect(authority.requests.length).toBe(asked);
    // Another set of hosts is another certificate of the same account.
    const other = renewal({ hosts: ['c.example'] });
    await other.prepare();
    other.start();
    await until(() => obtained === 1);
    expect(certificate(two).serialNumber).toBe(before);
    expect(authority.accounts.size).toBe(1);
  });

  it('renews when a third of its life is left', async () => {
    authority.lifetimeMs = 6000;
    const one = renewal();
    await one.prepare();
    one.start();
    await until(() => obtained === 1);
    const first = certificate(one);
    // Not later than two seconds before its end, with a second that times are cut to.
    expect(Date.parse(one.status.nextAttemptAt ?? '')).toBeLessThan(Date.parse(first.validTo) - 1000);
    authority.lifetimeMs = 90 * 86_400_000;
    await until(() => obtained === 2);
    expect(certificate(one).serialNumber).not.toBe(first.serialNumber);
  });

  it('takes another nonce when the authority does not like one', async () => {
    authority.faults.badNonces = 2;
    const one = renewal();
    one.start();
    await until(() => obtained === 1);
    expect(one.status.failures).toBe(0);
    expect(authority.requests.filter((line) => line === 'POST /new-account 400')).toHaveLength(2);
  });

  it('leaves the authority alone as long as it asks for', async () => {
    authority.faults.rateLimits = 1;
    authority.faults.retryAfterSeconds = 3600;
    const one = renewal();
    one.start();
    await failed(one, /429 rateLimited: too many orders/);
    expect(one.status).toMatchObject({
      state: 'failed',
      failures: 1,
      lastError: { code: 'PORTICO_ACME_REFUSED' },
    });
    expect(Date.parse(one.status.nextAttemptAt ?? '')).toBeGreaterThan(Date.now() + 3_500_000);
    expect(log.at(-1)).toMatchObject({ level: 'warn', event: 'acme-failed', connector: 'https' });
    // An operator may know better.
    one.retryNow();
    await until(() => obtained === 1);
    expect(one.status.failures).toBe(0);
  });

  it('tries again when the challenge fails, when the order fails, and when nobody is there', async () => {
    const { http } = authority.ports;
    authority.ports.http = 1;
    const one = renewal();
    await one.prepare();
    one.start();
    await failed(one, /the proof for a\.example is invalid: .*ECONNREFUSED.*port 80/);
    expect(tokens).toEqual({});
    authority.ports.http = http;
    authority.faults.failsOrders = true;
    await failed(one, /the certificate is invalid: the order was failed on purpose/);
    authority.faults.failsOrders = false;
    authority.faults.isDown = true;
    await failed(one, /127\.0\.0\.1:\d+ cannot be asked: /);
    expect(certificate(one).issuer).toBe('CN=a.example');
    authority.faults.isDown = false;
    await until(() => obtained >= 1);
    expect(one.status).toMatchObject({ failures: 0, lastError: undefined });
  });

  it('waits longer after each failure', async () => {
    authority.faults.isDown = true;
    const one = renewal({ minRetryMs: 60_000, maxRetryMs: 200_000 });
    one.start();
    const wait = async (failures: number): Promise<number> => {
      await until(() => one.status.failures === failures);
      const seconds = (Date.parse(one.status.nextAttemptAt ?? '') - Date.now()) / 1000;
      one.retryNow();
      return seconds;
    };
    for (const [failures, least, most] of [
      [1, 50, 76],
      [2, 110, 151],
      [3, 190, 251],
      [4, 190, 251],
    ] as const) {
      const seconds = await wait(failures);
      expect(seconds).toBeGreaterThan(least);
      expect(seconds).toBeLessThan(most);
    }
  });

  it('makes its account anew when the authority has forgotten it', async () => {
    const one = renewal();
    one.start();
    await until(() => obtained === 1);
    await one.stop();
    authority.faults.forgetsAccounts = true;
    const two = renewal({ hosts: ['c.example'] });
    two.start();
    await until(() => obtained === 1);
    expect(authority.accounts.size).toBe(1);
    expect(two.status.failures).toBe(0);
  });

  it('does not trust a directory that is somebody else, nor a name that is refused', async () => {
    const stranger = renewal({ directoryCaFile: undefined });
    stranger.start();
    await failed(stranger, /cannot be asked: .*(certificate|signature)/);
    const missing = renewal({ directoryCaFile: folder.at('missing.pem') });
    missing.start();
    await failed(missing, /Cannot read .*missing\.pem/);
    const wild = renewal({ hosts: ['*.example'] });
    wild.start();
    await failed(wild, /rejectedIdentifier/);
  });

  it('replaces a broken file by a stand-in, and refuses a broken account', async () => {
    const one = renewal();
    await one.prepare();
    writeFileSync(one.file, 'broken');
    await one.prepare();
    expect(certificate(one).issuer).toBe('CN=a.example');
    writeFileSync(join(one.file, '..', 'account.json'), '{');
    one.start();
    await failed(one, /account\.json is not what was written there/);
    expect(one.status.lastError?.code).toBe('PORTICO_ACME_STORE');
  });

  it('puts a stand-in in the place of a certificate that ended while nothing ran', async () => {
    authority.lifetimeMs = 1000;
    authority.ageMs = 0;
    const one = renewal({ minRetryMs: 60_000 });
    await one.prepare();
    one.start();
    await until(() => obtained === 1);
    await one.stop();
    const { validTo } = certificate(one);
    await until(() => Date.now() > Date.parse(validTo));
    const two = renewal();
    await two.prepare();
    expect(certificate(two).issuer).toBe('CN=a.example');
    authority.lifetimeMs = 90 * 86_400_000;
    two.start();
    await until(() => obtained === 1);
    expect(certificate(two).issuer).toBe('CN=Test authority');
  });

  it('lives through errors of the authority: 500 with a page, at any step', async () => {
    const one = renewal();
    authority.faults.serverErrors = 1;
    one.start();
    await failed(one, /refused \/new-account with 500: without a reason/);
    await until(() => obtained === 1);
    // Later steps of an order.
    for (let step = 1; step <= 4; step++) {
      const next = renewal({ hosts: [`step${step}.example`] });
      const begin = authority.requests.length;
      next.start();
      await until(() => authority.requests.length > begin + step);
      authority.faults.serverErrors = 1;
      await until(() => obtained === 1);
      authority.faults.serverErrors = 0;
    }
  });

  it('makes several orders at once with one account', async () => {
    const hosts = ['one.example', 'two.example', 'three.example'];
    const all = hosts.map((host) => renewal({ hosts: [host] }));
    for (const one of all) one.start();
    await until(() => obtained === 3);
    expect(all.map((one) => certificate(one).subjectAltName)).toEqual(hosts.map((host) => `DNS:${host}`));
    expect(authority.accounts.size).toBe(1);
    expect(log.map(({ event }) => event)).toEqual(Array(3).fill('acme-certificate'));
    expect(tokens).toEqual({});
  });

  it('binds its account to an external one, with a key from a file or from the settings', async () => {
    const key = randomBytes(32).toString('base64url');
    authority.externalAccounts = { 'kid-1': key, 'kid-2': key };
    const one = renewal();
    one.start();
    await failed(one, /403 externalAccountRequired: .*set "tls\.acme\.externalAccount" to what/);
    await one.stop();
    folder.write('', { 'eab.key': `${key}\n` });
    const bound = renewal({ externalAccount: { keyId: 'kid-1', key: { file: folder.at('eab.key') } } });
    bound.start();
    await until(() => obtained === 1);
    expect(authority.accounts.size).toBe(1);
    // The account is known; a restart needs the key no more.
    rmSync(folder.at('eab.key'));
    const again = renewal({
      externalAccount: { keyId: 'kid-1', key: { file: folder.at('eab.key') } },
      hosts: ['other.example'],
    });
    again.start();
    await until(() => obtained === 1);
    expect(authority.accounts.size).toBe(1);
    // Another identifier is another account.
    const moved = renewal({ externalAccount: { keyId: 'kid-2', key: { text: key } }, hosts: ['c.example'] });
    moved.start();
    await until(() => obtained === 1);
    expect(authority.accounts.size).toBe(2);
  });

  it('says what is wrong with the key of an external account', async () => {
    authority.externalAccounts = { 'kid-1': randomBytes(32).toString('base64url') };
    const refusals = [
      [{ file: folder.at('absent') }, /externalAccount" cannot be used: .*absent cannot be read/],
      [{ text: 'not a key!' }, /externalAccount" cannot be used: it is not base64url/],
      [{ text: randomBytes(32).toString('base64url') }, /401 unauthorized: the binding is not signed well/],
    ] as const;
    for (const [key, message] of refusals) {
      const one = renewal({ externalAccount: { keyId: 'kid-1', key } });
      one.start();
      await failed(one, message);
      await one.stop();
    }
    expect(authority.accounts.size).toBe(0);
  });

  it('stops in the middle of an order', async () => {
    authority.faults.pendingPolls = 1_000_000;
    const one = renewal();
    one.start();
    await until(() => authority.requests.some((line) => line.startsWith('POST /challenge')));
    await one.stop();
    expect(one.status.state).toBe('stopped');
    expect(tokens).toEqual({});
    expect(log.filter(({ event }) => event === 'acme-failed')).toEqual([]);
  });
});
