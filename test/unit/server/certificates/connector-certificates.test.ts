import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readHostConfig } from '#host/config/read-host-config.js';
import { createServerLog } from '#host/log/server-log.js';
import { ConnectorCertificates } from '#host/server/certificates/connector-certificates.js';
import { RevocationWatch } from '#host/server/certificates/revocation-watch.js';
import {
  encryptedKey,
  makeAuthority,
  makeCertificate,
  makeJks,
  makePlainPkcs12,
  makeRevocationList,
  type TestCertificate,
} from '#test/support/certificates.js';
import { until } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const DAY_MS = 86_400_000;
let authority: TestCertificate;
let shop: TestCertificate;
let shopRsa: TestCertificate;
let blog: TestCertificate;
beforeAll(() => {
  authority = makeAuthority();
  shop = makeCertificate({ names: ['shop.example', 'www.shop.example', '127.0.0.1'], authority });
  shopRsa = makeCertificate({ names: ['shop.example'], type: 'rsa', authority });
  blog = makeCertificate({ names: ['blog.example', '*.blog.example'], authority });
});

let folder: TemporaryFolder;
beforeEach(() => {
  folder = new TemporaryFolder();
});
afterEach(() => folder.remove());

const file = (name: string) => join(folder.path, name);
const put = (name: string, content: string | Buffer) => writeFileSync(file(name), content);
const putPair = (name: string, { cert, key }: TestCertificate) => {
  put(`${name}.pem`, cert);
  put(`${name}.key`, key);
};
/** Reads `host.yaml` with this TLS section, and the files it names. */
const load = (tls: string, env: Record<string, string> = {}) => {
  put(
    'host.yaml',
    `connectors:\n  - name: https\n    port: 8443\n    tls:\n${tls.replace(/^(?=.)/gm, '      ')}`,
  );
  const config = readHostConfig({ base: folder.path, env }).connectors[0]?.tls;
  if (config === undefined) throw new Error('no TLS');
  return ConnectorCertificates.load('https', config);
};
const sets = (certificates: ConnectorCertificates) =>
  certificates.update.certificates.map(({ hosts, isDefault, pairs }) => [
    hosts.join(' '),
    isDefault,
    pairs.length,
  ]);

describe('the certificates of a connector', () => {
  it('are for the names that stand in them, and grouped by name', async () => {
    putPair('shop', shop);
    putPair('rsa', shopRsa);
    putPair('blog', blog);
    const certificates = await load(`certificates:
  - { cert: shop.pem, key: shop.key }
  - { cert: rsa.pem, key: rsa.key }
  - { cert: blog.pem, key: blog.key }
default: blog.example
`);
    expect(sets(certificates)).toEqual([
      ['shop.example', false, 2],
      ['www.shop.example', false, 1],
      ['blog.example *.blog.example', true, 1],
    ]);
    expect(certificates.status()[0]).toMatchObject({
      connector: 'https',
      place: `${file('host.yaml')}:6:11: connectors[0].tls.certificates[0]`,
      files: [file('shop.pem'), file('shop.key')],
      keyType: 'ec',
      subject: 'CN=shop.example',
      issuer: 'CN=Test Authority',
    });
  });

  it('come from PEM with a password, PKCS #12 and JKS; passwords from file and environment', async () => {
    put('shop.pem', shop.cert);
    put('shop.key', encryptedKey(shop, 'first'));
    put('password', 'first\n');
    put('store.jks', makeJks({ a: blog, b: shopRsa }, 'second'));
    put('store.p12', makePlainPkcs12({ only: makeCertificate({ names: ['p12.example'] }) }));
    const certificates = await load(
      `certificates:
  - { cert: shop.pem, key: shop.key, passwordFile: password }
  - { keyStore: store.jks, alias: a, password: "\${STORE_PASSWORD}" }
  - { keyStore: store.p12, type: pkcs12, hosts: [other.example] }
`,
      { STORE_PASSWORD: 'second' },
    );
    expect(sets(certificates)).toEqual([
      ['shop.example www.shop.example', true, 1],
      ['blog.example *.blog.example', false, 1],
      ['other.example', false, 1],
    ]);
  });

  it('are refused with place and file, all of them at once', async () => {
    putPair('shop', shop);
    putPair('rsa', shopRsa);
    put('junk.pem', 'junk');
    const loading = load(`certificates:
  - { cert: absent.pem, key: shop.key }
  - { cert: junk.pem, key: shop.key }
  - { cert: shop.pem, key: rsa.key }
  - { keyStore: . }
clientCertificate: required
trust: [junk.pem]
`);
    await expect(loading).rejects.toMatchObject({ code: 'PORTICO_CERTIFICATES_UNUSABLE' });
    const lines = await loading.catch((error: Error) => error.message.split('\n'));
    expect(lines).toEqual([
      expect.stringMatching(
        /host\.yaml:6:11: connectors\[0\]\.tls\.certificates\[0\]: .*absent\.pem cannot be read: it is not there\. Put it there/,
      ),
      expect.stringMatching(/certificates\[1\]: .*junk\.pem holds no certificate/),
      expect.stringMatching(/certificates\[2\]: The key does not belong to the certificate: .*shop\.pem/),
      expect.stringMatching(/certificates\[3\]: .* is a folder; a file is expected/),
      expect.stringMatching(/tls\.trust: .*junk\.pem holds no certificate/),
    ]);
  });

  it('are refused with suites that no handshake with their keys could use', async () => {
    putPair('shop', shop);
    putPair('rsa', shopRsa);
    const certificates = `certificates:
  - { cert: shop.pem, key: shop.key }
  - { cert: rsa.pem, key: rsa.key }
`;
    const rsa = 'ciphers: [ECDHE-RSA-AES128-GCM-SHA256]';
    await expect(load(`${certificates}${rsa}\nprotocols: [TLSv1.2]\n`)).rejects.toThrow(
      /^\S+ \S+certificates\[0\]: None of the cipher suites of TLSv1\.2 goes with a key of the type ec; .*Add one with ECDSA to "ciphers"[^\n]*$/,
    );
    const ecdsa = 'ciphers: [ECDHE-ECDSA-AES128-GCM-SHA256]';
    await expect(load(`${certificates}${ecdsa}\nprotocols: [TLSv1.2]\n`)).rejects.toThrow(
      /certificates\[1\]: None of the cipher suites .* type rsa; .*with RSA/,
    );
    const both = ecdsa.replace(']', ', ECDHE-RSA-AES128-GCM-SHA256]');
    await expect(load(`${certificates}${both}\nprotocols: [TLSv1.2]\n`)).resolves.toBeDefined();
  });

  it('may have a mark at their begin, lines of Windows, and any order', async () => {
    const windows = (text: string) => `\ufeff${text.replaceAll('\n', '\r\n')}`;
    put('shop.pem', windows(authority.cert + shop.cert));
    put('shop.key', windows(shop.key));
    const certificates = await load('certificates:\n  - { cert: shop.pem, key: shop.key }\n');
    expect(certificates.update.certificates[0]?.pairs[0]?.cert).toBe(shop.cert + authority.cert);
  });

  it('must not be for the same name with the same type of key', async () => {
    putPair('shop', shop);
    putPair('twin', makeCertificate({ names: ['shop.example'] }));
    await expect(
      load('certificates:\n  - { cert: shop.pem, key: shop.key }\n  - { cert: twin.pem, key: twin.key }\n'),
    ).rejects.toThrow(/certificates\[1\]: shop\.example is served already by .*certificates\[0\]/);
    await expect(
      load('certificates:\n  - { cert: shop.pem, key: shop.key }\ndefault: else.example\n'),
    ).rejects.toThrow(/tls\.default: No certificate is for else\.example; there are shop\.example/);
  });

  it('are read anew when their files have changed and stay so, and kept when they are broken', async () => {
    putPair('shop', shop);
    const certificates = await load('certificates:\n  - { cert: shop.pem, key: shop.key }\n');
    expect(await certificates.hasChanged()).toBe(false);
    const renewed = makeCertificate({ names: ['shop.example'], authority });
    put('next', renewed.cert);
    renameSync(file('next'), file('shop.pem'));
    expect([await certificates.hasChanged(), await certificates.hasChanged()]).toEqual([false, true]);
    const before = certificates.update;
    await expect(certificates.reload()).rejects.toThrow(/The key does not belong/);
    expect(certificates.update).toBe(before);
    expect(await certificates.hasChanged()).toBe(false);
    put('shop.key', renewed.key);
    expect([await certificates.hasChanged(), await certificates.hasChanged()]).toEqual([false, true]);
    await certificates.reload();
    expect(certificates.update.certificates[0]?.pairs[0]?.cert).toBe(`${renewed.cert}`);
    expect(await certificates.hasChanged()).toBe(false);
  });
});

describe('a certificate of many', () => {
  it('is the only one that is read again when its files have changed', async () => {
    putPair('shop', shop);
    putPair('blog', blog);
    const certificates = await load(
      'certificates:\n  - { cert: shop.pem, key: shop.key }\n  - { cert: blog.pem, key: blog.key }\n',
    );
    const pairs = () => certificates.update.certificates.flatMap((set) => set.pairs);
    const [before] = [pairs()];
    const next = makeCertificate({ names: ['blog.example'], authority });
    putPair('blog', next);
    await certificates.reload({ onlyChanged: true });
    const after = pairs();
    expect(after.find(({ cert }) => cert === shop.cert)).toBe(before[0]);
    expect(after.some(({ cert }) => cert === next.cert)).toBe(true);
    const { update } = certificates;
    await certificates.reload({ onlyChanged: true });
    expect(certificates.update).toBe(update);
    put('blog.key', 'junk');
    await expect(certificates.reload({ onlyChanged: true })).rejects.toThrow(
      /blog\.key holds no private key/,
    );
    expect(certificates.update).toBe(update);
  });
});

describe('a certificate whose time is not now', () => {
  const names = ['shop.example'];
  const pems = (certificates: ConnectorCertificates) =>
    certificates.update.certificates.map(({ pairs: [pair] }) => pair?.cert);
  const config = 'certificates:\n  - { cert: shop.pem, key: shop.key }\n';
  const ended = () => makeCertificate({ names, notAfter: new Date(Date.now() - DAY_MS) });

  it('does not keep the host from starting, nor the next one from taking its place', async () => {
    const [old, early] = [ended(), makeCertificate({ names, notBefore: new Date(Date.now() + DAY_MS) })];
    putPair('shop', old);
    const certificates = await load(config);
    expect(pems(certificates)).toEqual([old.cert]);
    putPair('shop', early);
    await certificates.reload();
    expect(pems(certificates)).toEqual([early.cert]);
    putPair('shop', shop);
    await certificates.reload();
    expect(pems(certificates)).toEqual([shop.cert]);
  });

  it('does not take the place of one that clients accept', async () => {
    putPair('shop', shop);
    const certificates = await load(config);
    putPair('shop', ended());
    await expect(certificates.reload()).rejects.toThrow(
      /certificates\[0\]: .*shop\.pem has expired on .*The one in use, which ends on .*, stays/,
    );
    expect(pems(certificates)).toEqual([shop.cert]);
  });

  it('is taken when its time comes', async () => {
    putPair('shop', shop);
    const certificates = await load(config);
    const next = makeCertificate({ names, notBefore: new Date(Date.now() + 2500) });
    putPair('shop', next);
    await expect(certificates.reload()).rejects.toThrow(/shop\.pem is valid from .* on only/);
    expect(pems(certificates)).toEqual([shop.cert]);
    await until('it has changed by itself', async () => await certificates.hasChanged());
    await certificates.reload();
    expect(pems(certificates)).toEqual([next.cert]);
    expect(await certificates.hasChanged()).toBe(false);
  });
});

describe('revocation lists of client certificates', () => {
  const config = `certificates:
  - { cert: shop.pem, key: shop.key }
clientCertificate: required
trust: [ca.pem]
revocationLists: [ca.crl]
`;
  const lists = (certificates: ConnectorCertificates) => certificates.update.revocationLists;
  const prepare = (list: string | Buffer) => {
    putPair('shop', shop);
    put('ca.pem', authority.cert);
    put('ca.crl', list);
  };
  const ended = () => makeRevocationList(authority, [], { notAfter: new Date(Date.now() - 3_600_000) });

  it('are read as PEM, one or several in a file, and as DER', async () => {
    const [one, two] = [makeRevocationList(authority, [blog]), makeRevocationList(authority, [])];
    prepare(`junk before\r\n${one}${two}`);
    expect(lists(await load(config))).toEqual([one, two]);
    put('ca.crl', Buffer.from(one.replace(/-----.*-----/g, ''), 'base64'));
    const certificates = await load(config);
    expect(lists(certificates)).toEqual([one]);
    expect(certificates.settings([]).revocationLists).toEqual([one]);
    expect(certificates.files).toContain(file('ca.crl'));
  });

  it('are refused when they are broken, of another authority, not signed by it, or not of every one', async () => {
    const other = makeAuthority('Other Authority');
    const cases: [string | Buffer, RegExp][] = [
      ['junk', /tls\.revocationLists: .*ca\.crl holds no revocation list/],
      [Buffer.from('3003020101', 'hex'), /A revocation list in .*ca\.crl cannot be read/],
      [makeRevocationList(other, []), /is of CN=Other Authority, which is not among/],
      [makeRevocationList(makeAuthority(), []), /is not signed by CN=Test Authority/],
    ];
    for (const [list, message] of cases) {
      prepare(list);
      await expect(load(config)).rejects.toThrow(message);
    }
    prepare(makeRevocationList(authority, []));
    put('ca.pem', authority.cert + other.cert);
    await expect(load(config)).rejects.toThrow(/There are lists of CN=Test Authority, but not of every/);
  });

  it('are read anew; one that is broken or has expired changes nothing', async () => {
    const [first, second] = [makeRevocationList(authority, []), makeRevocationList(authority, [blog])];
    prepare(first);
    const certificates = await load(config);
    for (const [list, message] of [
      ['junk', /holds no revocation list/],
      [ended(), /ca\.crl has expired on .*The lists in use stay/],
    ] as const) {
      put('ca.crl', list);
      await expect(certificates.reload()).rejects.toThrow(message);
      expect(lists(certificates)).toEqual([first]);
    }
    put('ca.crl', second);
    await certificates.reload();
    expect(lists(certificates)).toEqual([second]);
  });

  it('keep no host from starting when they have expired', async () => {
    const list = ended();
    prepare(list);
    const certificates = await load(config);
    expect(lists(certificates)).toEqual([list]);
    const lines: string[] = [];
    const log = createServerLog({ format: 'json', out: { write: (text) => lines.push(text) } });
    const inUse = () => certificates.revocationLists.map((one) => ({ ...one, connector: 'https' }));
    const watch = new RevocationWatch(inUse, log);
    watch.look();
    watch.look();
    put('ca.crl', makeRevocationList(authority, [], { notAfter: new Date(Date.now() + 3_600_000) }));
    await certificates.reload();
    watch.look();
    put('ca.crl', makeRevocationList(authority, []));
    await certificates.reload();
    watch.look();
    expect(lines).toEqual([
      expect.stringMatching(/"level":"error".*"revocation-list-expiry".*are refused: .*has expired on/),
      expect.stringMatching(/"level":"warn".*ends on .*; fetch it anew/),
    ]);
  });

  it('need clients that are asked for certificates', async () => {
    prepare('');
    expect(() =>
      load('certificates: [{ cert: shop.pem, key: shop.key }]\nrevocationLists: [ca.crl]\n'),
    ).toThrow(/revocationLists: has no effect while clientCertificate is none/);
  });
});

describe('the section tls of host.yaml', () => {
  const problems = (tls: string) => {
    put('host.yaml', `connectors:\n  - tls:\n${tls.replace(/^(?=.)/gm, '      ')}`);
    try {
      readHostConfig({ base: folder.path, env: {} });
    } catch (error) {
      return (error as Error).message.split('\n').map((line) => line.replace(/^.*host\.yaml:/, ''));
    }
    return [];
  };

  it('is checked as a whole', () => {
    expect(problems('certificates: []')).toEqual([expect.stringMatching(/at least one certificate/)]);
    expect(problems('strictSni: true')).toEqual([expect.stringMatching(/tls\.certificates: must be a list/)]);
    expect(
      problems(`certificates:
  - { cert: a.pem }
  - { keyStore: a.p12, cert: a.pem }
  - { cert: a.pem, key: a.key, alias: a }
  - { cert: a.pem, key: a.key, password: a, passwordFile: b }
  - {}
clientCertificate: optional
`),
    ).toEqual([
      expect.stringMatching(/certificates\[0\]: has cert without key/),
      expect.stringMatching(/certificates\[1\]: has both keyStore and cert/),
      expect.stringMatching(/certificates\[2\]: has alias, which goes with keyStore only/),
      expect.stringMatching(/certificates\[3\]\.passwordFile: stands beside password/),
      expect.stringMatching(/certificates\[4\]: names no certificate/),
      expect.stringMatching(/clientCertificate: needs "trust"/),
    ]);
    expect(problems('certificates: [{ cert: a, key: b }]\nciphers: [AES128-GCM-SHA265]')).toEqual([
      expect.stringMatching(/no cipher suite.*did you mean "AES128-GCM-SHA256"/),
    ]);
    expect(problems('certificates: [{ cert: a, key: b }]\nciphers: [AES128-GCM-SHA256]')).toEqual([
      expect.stringMatching(/no suite of TLSv1\.3/),
    ]);
    expect(problems('certificates: [{ cert: a, key: b }]\nprotocols: [TLSv1.1]')).toEqual([
      expect.stringMatching(/protocols\[0\]: "TLSv1\.1" is not one of TLSv1\.2, TLSv1\.3/),
    ]);
    expect(problems('certificates: [{ cert: a, key: b, hosts: [a.*.example] }]')).toEqual([
      expect.stringMatching(/hosts\[0\]: .*is not a host name/),
    ]);
  });
});
