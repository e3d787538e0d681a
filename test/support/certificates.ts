import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';

/** A certificate for a test, with its key. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  readonly der: Buffer;
  readonly privateKey: KeyObject;
  readonly commonName: string;
}

export interface CertificateWish {
  /** Names and addresses; the first is the common name. Without any it is that of a client or an authority. */
  readonly names?: readonly string[];
  readonly commonName?: string;
  readonly type?: 'ec' | 'rsa';
  /** Who signs it. Default: itself. */
  readonly authority?: TestCertificate;
  readonly isAuthority?: boolean;
  /** Where its authority tells whether it is still good (OCSP). */
  readonly responder?: string;
  /** May answer such questions for its authority. */
  readonly isResponder?: boolean;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;

/** Makes a certificate, with DER written by hand: nothing of what is tested has a part in it. */
export function makeCertificate(wish: CertificateWish): TestCertificate {
  const { names = [], type = 'ec', authority, isAuthority = false } = wish;
  const pair =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const commonName = wish.commonName ?? names[0] ?? 'test';
  const signer = authority?.privateKey ?? pair.privateKey;
  const algorithm = sequence(
    ...(signer.asymmetricKeyType === 'ec'
      ? [oid('2a8648ce3d040302')]
      : [oid('2a864886f70d01010b'), der(0x05, Buffer.alloc(0))]),
  );
  const extensions = [
    extension('551d13', true, sequence(...(isAuthority ? [der(0x01, Buffer.from([0xff]))] : []))),
    ...(wish.responder === undefined ? [] : [informationAccess(wish.responder)]),
    ...(wish.isResponder === true ? [extension('551d25', false, sequence(oid('2b06010505070309')))] : []),
    ...(names.length > 0 ? [extension('551d11', false, sequence(...names.map(generalName)))] : []),
  ];
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(8)])),
    algorithm,
    distinguishedName(authority?.commonName ?? commonName),
    sequence(
      time(wish.notBefore ?? new Date(Date.now() - DAY_MS)),
      time(wish.notAfter ?? new Date(Date.now() + 30 * DAY_MS)),
    ),
    distinguishedName(commonName),
    pair.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const bytes = sequence(body, algorithm, bits(sign('sha256', body, signer)));
  const text = bytes.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    der: bytes,
    privateKey: pair.privateKey,
    commonName,
  };
}

export function makeAuthority(commonName = 'Test Authority'): TestCertificate {
  return makeCertificate({ commonName, isAuthority: true });
}

/** A list of certificates that an authority has taken back, PEM; `notAfter` is when the next one is due. */
export function makeRevocationList(
  authority: TestCertificate,
  revoked: readonly TestCertificate[],
  { notBefore = new Date(Date.now() - DAY_MS), notAfter = new Date(Date.now() + DAY_MS) }: Times = {},
): string {
  const algorithm = sequence(oid('2a8648ce3d040302'));
  const entries = revoked.map(({ der: bytes }) => {
    const serial = Buffer.from(new X509Certificate(bytes).serialNumber, 'hex');
    return sequence(integer(serial), time(notBefore));
  });
  const body = sequence(
    integer(Buffer.from([1])),
    algorithm,
    distinguishedName(authority.commonName),
    time(notBefore),
    time(notAfter),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
  );
  const list = sequence(body, algorithm, bits(sign('sha256', body, authority.privateKey)));
  const text = list.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN X509 CRL-----\n${text}\n-----END X509 CRL-----\n`;
}

type Times = Pick<CertificateWish, 'notBefore' | 'notAfter'>;

/** The key, encrypted with a password. */
export function encryptedKey({ privateKey }: TestCertificate, passphrase: string): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }) as string;
}

/** A key store in Java's own format (version 2), every entry with the password of the store. */
export function makeJks(entries: Readonly<Record<string, TestCertificate>>, password: string): Buffer {
  const secret = Buffer.from(password, 'utf16le').swap16();
  const parts = [u32(0xfeedfeed), u32(2), u32(Object.keys(entries).length)];
  for (const [alias, { privateKey, der: certificate }] of Object.entries(entries)) {
    const key = protectedKey(privateKey.export({ type: 'pkcs8', format: 'der' }) as Buffer, secret);
    parts.push(u32(1), javaText(alias), Buffer.alloc(8), u32(key.length), key, u32(1));
    parts.push(javaText('X.509'), u32(certificate.length), certificate);
  }
  const content = Buffer.concat(parts);
  const digest = createHash('sha1').update(secret).update('Mighty Aphrodite').update(content).digest();
  return Buffer.concat([content, digest]);
}

/** Sun's own way: the key is mixed with a stream of hashes. */
function protectedKey(plain: Buffer, secret: Buffer): Buffer {
  const salt = randomBytes(20);
  const mixed = Buffer.from(plain);
  let block = salt;
  for (let i = 0; i < mixed.length; i++) {
    if (i % 20 === 0) block = createHash('sha1').update(secret).update(block).digest();
    mixed[i] = (mixed[i] as number) ^ (block[i % 20] as number);
  }
  const check = createHash('sha1').update(secret).update(plain).digest();
  const algorithm = sequence(oid('2b060104012a021101 01'.replaceAll(' ', '')), der(0x05, Buffer.alloc(0)));
  return sequence(algorithm, der(0x04, Buffer.concat([salt, mixed, check])));
}

function javaText(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, Buffer.concat(parts));
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
const bits = (bytes: Buffer): Buffer => der(0x03, Buffer.concat([Buffer.from([0]), bytes]));

function extension(hex: string, isCritical: boolean, content: Buffer): Buffer {
  const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : [];
  return sequence(oid(hex), ...critical, der(0x04, content));
}

/** RFC 5280 §4.2.2.1. */
function informationAccess(responder: string): Buffer {
  const description = sequence(oid('2b06010505073001'), der(0x86, Buffer.from(responder)));
  return extension('2b06010505070101', false, sequence(description));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))));
}

function generalName(name: string): Buffer {
  if (isIP(name) === 4) return der(0x87, Buffer.from(name.split('.').map(Number)));
  return der(0x82, Buffer.from(name, 'latin1'));
}

function time(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(text));
}

/** A key store in the format PKCS #12 without any encryption, which keys of every kind can be put into by hand. */
export function makePlainPkcs12(entries: Readonly<Record<string, TestCertificate>>): Buffer {
  const data = oid('2a864886f70d010701');
  const content = (bytes: Buffer): Buffer => sequence(data, der(0xa0, der(0x04, bytes)));
  const bag = (type: string, value: Buffer, alias: string): Buffer =>
    sequence(
      oid(`2a864886f70d010c0a01${type}`),
      der(0xa0, value),
      der(
        0x31,
        sequence(oid('2a864886f70d010914'), der(0x31, der(0x1e, Buffer.from(alias, 'utf16le').swap16()))),
      ),
    );
  const bags = Object.entries(entries).flatMap(([alias, { privateKey, der: certificate }]) => [
    bag('01', privateKey.export({ type: 'pkcs8', format: 'der' }) as Buffer, alias),
    bag('03', sequence(oid('2a864886f70d01091601'), der(0xa0, der(0x04, certificate))), alias),
  ]);
  return sequence(integer(Buffer.from([3])), content(sequence(content(sequence(...bags)))));
}

/** The same with a password, as Java and OpenSSL make it; RSA only. */
export function makePkcs12(
  { cert, privateKey }: TestCertificate,
  password: string,
  alias: string,
  algorithm: 'aes256' | '3des' = 'aes256',
): Buffer {
  const key = forge.pki.privateKeyFromPem(privateKey.export({ type: 'pkcs1', format: 'pem' }) as string);
  const store = forge.pkcs12.toPkcs12Asn1(key, [forge.pki.certificateFromPem(cert)], password, {
    algorithm,
    friendlyName: alias,
  });
  return Buffer.from(forge.asn1.toDer(store).getBytes(), 'latin1');
}
