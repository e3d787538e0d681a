import { X509Certificate } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createServerLog } from '#host/log/server-log.js';
import { OcspStapling, type StapledCertificate } from '#host/server/certificates/ocsp/ocsp-stapling.js';
import type { StapleChange } from '#host/tls/tls-settings.js';
import { makeAuthority, makeCertificate, type TestCertificate } from '#test/support/certificates.js';
import { OcspResponder } from '#test/support/ocsp-responder.js';
import { settle, until } from '#test/support/polling.js';

let authority: TestCertificate;
beforeAll(() => {
  authority = makeAuthority();
});

let responder: OcspResponder;
let shop: StapledCertificate;
let used: StapledCertificate[];
let stapling: OcspStapling;
let told: { connector: string; changes: readonly StapleChange[] }[];
let lines: { level: string; event: string; code?: string; msg: string }[];
beforeEach(async () => {
  responder = await OcspResponder.start(authority);
  shop = stapled(makeCertificate({ names: ['shop.example'], authority, responder: responder.url }));
  used = [shop];
  told = [];
  lines = [];
  const log = createServerLog({ format: 'json', out: { write: (text) => lines.push(JSON.parse(text)) } });
  stapling = new OcspStapling({ certificates: () => used, log, minDelayMs: 20 });
});
afterEach(async () => {
  stapling.stop();
  await responder.stop();
});

function stapled(certificate: TestCertificate, more: Partial<StapledCertificate> = {}): StapledCertificate {
  const own = new X509Certificate(certificate.der);
  return {
    connector: 'https',
    place: 'host.yaml:6:11: connectors[0].tls.certificates[0]',
    hosts: [certificate.commonName],
    fingerprint256: own.fingerprint256,
    chain: [own, new X509Certificate(authority.der)],
    responder: undefined,
    isOneOfSeveral: false,
    ...more,
  };
}

const use = (certificate: StapledCertificate) => {
  shop = certificate;
  used = [certificate];
};
const start = () =>
  stapling.start(async (connector, changes) => {
    told.push({ connector, changes });
  });
const staple = () => stapling.staplesOf('https')[0];
const status = () => stapling.statusOf('https', shop.fingerprint256);
const failures = async (count: number) => await until(`${count} failures`, () => lines.length >= count);

describe('the responder of an authority', () => {
  it('is asked once, and its answer goes to the fronts as it came', async () => {
    responder.mood.lifeMs = 24 * 3_600_000;
    start();
    expect(status()).toMatchObject({ state: 'waiting' });
    await until(() => told.length > 0);
    const [answer] = responder.answers;
    const { fingerprint256 } = shop;
    expect(told[0]).toMatchObject({
      connector: 'https',
      changes: [{ fingerprint256, response: answer?.toString('base64') }],
    });
    expect((staple()?.until ?? 0) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    expect(stapling.staplesOf('other')).toEqual([]);
    stapling.look();
    await settle();
    expect(responder.questions).toBe(1);
    expect(status()).toMatchObject({ state: 'stapled', succeeded: 1, failed: 0, lastError: undefined });
    expect(lines).toEqual([]);
  });

  it('is asked again before its answer ends', async () => {
    responder.mood.lifeMs = 3000;
    start();
    const ends: number[] = [];
    await until('the third answer', () => {
      const end = staple()?.until;
      if (end !== undefined && ends.at(-1) !== end) ends.push(end);
      return responder.questions >= 3 && ends.length > 1;
    });
    expect(lines).toEqual([]);
  });

  it('may let others answer: with a certificate for that from itself', async () => {
    responder.signer = makeCertificate({ commonName: 'delegate', authority, isResponder: true });
    start();
    await until(() => staple() !== undefined);
  });

  it('may give answers without an end, which are believed for a while', async () => {
    responder.mood.lifeMs = undefined;
    start();
    await until(() => staple() !== undefined);
    expect((staple()?.until ?? 0) - Date.now()).toBeLessThanOrEqual(3_600_000);
  });

  const refusals: Record<string, [(mood: OcspResponder) => void, RegExp]> = {
    'an answer that is over': [({ mood }) => Object.assign(mood, { lifeMs: -1000 }), /it ended on/],
    'an answer from the future': [
      ({ mood }) => Object.assign(mood, { ageMs: -3_600_000 }),
      /look at the clock/,
    ],
    'an answer about another certificate': [
      ({ mood }) => Object.assign(mood, { fault: 'another certificate' }),
      /it is about another certificate/,
    ],
    'the signature of somebody else': [
      (one) => Object.assign(one, { signer: makeAuthority('Somebody') }),
      /its signature is neither/,
    ],
    'a certificate of the authority that is not for answering': [
      (one) => Object.assign(one, { signer: makeCertificate({ commonName: 'server', authority }) }),
      /its signature is neither/,
    ],
    'one for answering that has expired': [
      (one) =>
        Object.assign(one, {
          signer: makeCertificate({
            commonName: 'old',
            authority,
            isResponder: true,
            notAfter: new Date(Date.now() - 60_000),
          }),
        }),
      /its signature is neither/,
    ],
    'one for answering from another authority': [
      (one) =>
        Object.assign(one, {
          signer: makeCertificate({ commonName: 'x', authority: makeAuthority(), isResponder: true }),
        }),
      /its signature is neither/,
    ],
    'an answer that is none': [({ mood }) => Object.assign(mood, { fault: 'junk' }), /it cannot be read/],
    'no certificate that it knows': [
      ({ mood }) => Object.assign(mood, { status: 'unknown' }),
      /does not know the certificate/,
    ],
    'a responder that has no time': [
      ({ mood }) => Object.assign(mood, { fault: 'tryLater' }),
      /says tryLater/,
    ],
    'a responder that fails': [({ mood }) => Object.assign(mood, { fault: 'status 500' }), /status 500/],
    'an answer without bounds': [
      ({ mood }) => Object.assign(mood, { fault: 'huge' }),
      /larger than 16384 bytes/,
    ],
  };
  for (const [what, [arrange, message]] of Object.entries(refusals)) {
    it(`gives nothing to staple with ${what}, and is asked again`, async () => {
      arrange(responder);
      start();
      await failures(2);
      expect(lines[0]).toMatchObject({
        level: 'warn',
        event: 'ocsp-failed',
        msg: expect.stringMatching(message),
      });
      expect(staple()).toBeUndefined();
      expect(told).toEqual([]);
      expect(status()).toMatchObject({ state: 'failed', lastError: expect.stringMatching(message) });
      Object.assign(responder.mood, { fault: 'none', status: 'good', lifeMs: 3_600_000, ageMs: 0 });
      responder.signer = authority;
      await until('it is well again', () => staple() !== undefined);
      expect(status()).toMatchObject({ state: 'stapled', lastError: undefined });
    });
  }

  it('fails without harm to the answer in use, until that ends', async () => {
    responder.mood.lifeMs = 1500;
    start();
    await until(() => staple() !== undefined);
    await responder.stop();
    await failures(1);
    expect(lines[0]).toMatchObject({ code: 'PORTICO_OCSP_UNREACHABLE' });
    expect(lines[0]).toHaveProperty('until');
    await until('it has ended', () => staple() === undefined);
    expect(status()).toMatchObject({ state: 'failed' });
    responder = await OcspResponder.start(authority);
  });

  it('says that a certificate is revoked: an error, and nothing is stapled any more', async () => {
    responder.mood.lifeMs = 400;
    start();
    await until(() => staple() !== undefined);
    responder.mood.status = 'revoked';
    await until(() => staple() === undefined && status()?.state === 'revoked');
    expect(lines).toEqual([expect.objectContaining({ level: 'error', event: 'ocsp-revoked' })]);
    expect(told.at(-1)).toEqual({ connector: 'https', changes: [{ fingerprint256: shop.fingerprint256 }] });
  });

  it('is another one when the settings say so', async () => {
    use(stapled(makeCertificate({ names: ['a.example'], authority }), { responder: responder.url }));
    start();
    await until(() => staple() !== undefined);
  });

  it('is left alone at the end, also when it hangs', async () => {
    responder.mood.fault = 'hangs';
    start();
    await until(() => responder.questions === 1);
    stapling.stop();
    await settle();
    expect(lines).toEqual([]);
  });
});

describe('certificates that are replaced', () => {
  it('are forgotten, and the new ones asked about', async () => {
    start();
    await until(() => staple() !== undefined);
    const old = shop.fingerprint256;
    use(stapled(makeCertificate({ names: ['shop.example'], authority, responder: responder.url })));
    stapling.look();
    expect(told.at(-1)?.changes).toEqual([{ fingerprint256: old }]);
    await until(() => staple()?.fingerprint256 === shop.fingerprint256);
    expect(stapling.statusOf('https', old)).toBeUndefined();
  });
});

describe('certificates that cannot be asked about', () => {
  it('are named once, with the reason', async () => {
    const plain = makeCertificate({ names: ['plain.example'], authority });
    const known = makeCertificate({ names: ['known.example'], authority, responder: responder.url });
    used = [
      stapled(plain),
      stapled(known, { chain: [new X509Certificate(known.der)] }),
      stapled(makeCertificate({ names: ['two.example'], authority }), { isOneOfSeveral: true }),
    ];
    start();
    stapling.look();
    expect(lines.map(({ event, code, msg }) => [event, code, msg])).toEqual(
      [/names no OCSP responder/, /its authority is missing/, /another type of key/].map((reason) => [
        'ocsp-impossible',
        'PORTICO_OCSP_IMPOSSIBLE',
        expect.stringMatching(reason),
      ]),
    );
    expect(stapling.statusOf('https', used[0]?.fingerprint256 ?? '')).toMatchObject({ state: 'impossible' });
  });
});
