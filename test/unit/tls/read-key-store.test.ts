import { beforeAll, describe, expect, it } from '@jest/globals';
import { pairOf } from '#host/tls/certificate-facts.js';
import { type KeyStoreOptions, readKeyStore } from '#host/tls/read-key-store.js';
import {
  encryptedKey,
  makeAuthority,
  makeCertificate,
  makeJks,
  makePkcs12,
  makePlainPkcs12,
  type TestCertificate,
} from '#test/support/certificates.js';

let authority: TestCertificate;
let ec: TestCertificate;
let rsa: TestCertificate;
beforeAll(() => {
  authority = makeAuthority();
  ec = makeCertificate({ names: ['ec.example'], authority });
  rsa = makeCertificate({ names: ['rsa.example'], type: 'rsa', authority });
});

const read = (bytes: Buffer, options: Partial<KeyStoreOptions> = {}) =>
  readKeyStore(bytes, { what: 'store.file', ...options });
/** Which of the two certificates was found. */
const found = async (bytes: Buffer, options: Partial<KeyStoreOptions> = {}) => {
  const { chain, key } = await read(bytes, options);
  const own = [ec, rsa].find(({ der }) => chain[0]?.raw.equals(der));
  expect(key.equals(own?.privateKey as TestCertificate['privateKey'])).toBe(true);
  return own?.commonName;
};

describe('a key store', () => {
  it('is PEM with certificates in any order and a key, encrypted or not', async () => {
    const text = ec.key + authority.cert + ec.cert;
    expect(await found(Buffer.from(text))).toBe('ec.example');
    const { chain } = await read(Buffer.from(text));
    expect(chain.map(({ subject }) => subject)).toEqual(['CN=ec.example', 'CN=Test Authority']);
    const encrypted = Buffer.from(encryptedKey(ec, 'secret') + ec.cert);
    expect(await found(encrypted, { password: 'secret' })).toBe('ec.example');
    const { key } = pairOf(await read(encrypted, { password: 'secret' }));
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    await expect(read(encrypted)).rejects.toThrow(/store\.file is encrypted\. Give its password/);
    await expect(read(encrypted, { password: 'wrong' })).rejects.toThrow(/password does not open/);
  });

  it('is PKCS #12, with old and new ciphers, and keys of every kind', async () => {
    for (const algorithm of ['aes256', '3des'] as const) {
      const own = makeCertificate({ names: ['own.example'], type: 'rsa' });
      const store = makePkcs12(own, 'secret', 'shop', algorithm);
      const { key, chain } = await read(store, { password: 'secret' });
      expect([key.equals(own.privateKey), chain[0]?.raw]).toEqual([true, own.der]);
      await expect(read(store, { password: 'wrong' })).rejects.toThrow(/password does not open store\.file/);
      await expect(read(store)).rejects.toThrow(/store\.file has a password\. Give it with "password"/);
    }
    // An RSA key whose certificate was signed by another kind of key, too.
    for (const one of [ec, rsa]) expect(await found(makePlainPkcs12({ shop: one }))).toBe(one.commonName);
  });

  it('is JKS, with keys of every kind', async () => {
    for (const certificate of [ec, rsa]) {
      const store = makeJks({ shop: certificate }, 'secret');
      expect(await found(store, { password: 'secret' })).toBe(certificate.commonName);
      await expect(read(store, { password: 'wrong' })).rejects.toThrow(/password does not open store\.file/);
      await expect(read(store)).rejects.toThrow(/Give its password/);
    }
  });

  it('gives the entry of the alias, and asks for one where it is not clear', async () => {
    for (const [store, password] of [
      [makeJks({ one: ec, two: rsa }, 'secret'), 'secret'],
      [makePlainPkcs12({ one: ec, two: rsa }), undefined],
    ] as const) {
      expect(await found(store, { password, alias: 'Two' })).toBe('rsa.example');
      expect(await found(store, { password, alias: 'one' })).toBe('ec.example');
      await expect(read(store, { password })).rejects.toThrow(/several keys\. Its keys are one, two/);
      await expect(read(store, { password, alias: 'three' })).rejects.toThrow(
        /no key with the alias "three"/,
      );
    }
  });

  it('is refused with what it is instead of PEM', async () => {
    const cases: [string | Buffer, RegExp][] = [
      ['\n', /store\.file is empty\. Write the private key into it/],
      [ec.key.slice(0, 100), /is cut off: it has -----BEGIN PRIVATE KEY----- without an end/],
      [ec.key + ec.cert.slice(0, 300), /is cut off: it has -----BEGIN CERTIFICATE----- without an end/],
      [rsa.der, /no private key in PEM, but DER\. Convert it: openssl pkey -inform der/],
      [ec.cert, /holds no private key; it holds a block "CERTIFICATE"/],
      [ec.key, /holds no certificate; it holds a block "PRIVATE KEY"/],
    ];
    for (const [content, message] of cases)
      await expect(read(Buffer.from(content), { type: 'pem' })).rejects.toThrow(message);
    await expect(read(Buffer.alloc(0))).rejects.toThrow(/store\.file is empty/);
  });

  it('is refused with its name when it is something else', async () => {
    const cases: [Buffer, RegExp][] = [
      [Buffer.alloc(0), /store\.file is empty/],
      [Buffer.from('garbage'), /store\.file is no key store/],
      [Buffer.from(ec.cert), /store\.file holds no private key/],
      [Buffer.from(ec.key), /store\.file holds no certificate/],
      [Buffer.from(ec.key + rsa.cert), /The key does not belong to the certificate.*CN=rsa\.example/],
      [
        Buffer.from(ec.key + ec.cert.replace(/\n[A-Za-z0-9+/=]{20}/, '\n')),
        /certificate in store\.file cannot be read/,
      ],
      [makePlainPkcs12({ a: ec }).subarray(0, 200), /store\.file/],
      [makeJks({ a: ec }, 'x').subarray(0, 200), /store\.file/],
      [Buffer.from('cececece00000002', 'hex'), /JCEKS.*keytool/],
    ];
    for (const [bytes, message] of cases)
      await expect(read(bytes, { password: 'x' })).rejects.toMatchObject({
        code: 'PORTICO_KEY_STORE',
        message: expect.stringMatching(message),
      });
  });
});
