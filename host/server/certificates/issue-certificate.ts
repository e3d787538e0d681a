import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

/** Kinds of keys a certificate can be made with. */
const KEY_TYPES = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-4096'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** What a certificate is to say. */
export interface CertificateContent {
  /** Host names and IP addresses; a name may begin with `*.`. The first is the common name, where it is short enough. */
  readonly names: readonly string[];
  readonly keyType: KeyType;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** A public key in PEM that somebody else has made. Default: a new pair. */
  readonly publicKeyPem?: string;
}

/** A certificate and its key, in PEM. */
export interface IssuedCertificate {
  readonly certificatePem: string;
  /** PKCS #8, not encrypted; '' when the public key was given. */
  readonly keyPem: string;
}

/** A certificate authority of ours: for development, and in tests. */
export interface Authority {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Makes a certificate that answers for itself. */
export async function issueSelfSigned(content: CertificateContent): Promise<IssuedCertificate> {
  const { x509, algorithm, keys } = await prepare(content.keyType);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: nameOf(content.names[0] ?? ''),
    notBefore: content.notBefore,
    notAfter: content.notAfter,
    signingAlgorithm: algorithm,
    keys,
    extensions: serverExtensions(x509, content.names),
  });
  return { certificatePem: pem(certificate), keyPem: await privatePem(x509, keys) };
}

/** Makes a certificate signed by an authority. */
export async function issueCertificate(
  content: CertificateContent,
  authority: Authority,
): Promise<IssuedCertificate> {
  const { x509, keys } = await prepare(content.keyType);
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const algorithm = signingAlgorithmOf(issuer);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decode(authority.keyPem)[0] ?? new ArrayBuffer(0),
    algorithm,
    false,
    ['sign'],
  );
  const given = content.publicKeyPem;
  const publicKey = given === undefined ? keys.publicKey : new x509.PublicKey(given);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: nameOf(content.names[0] ?? ''),
    issuer: issuer.subject,
    notBefore: content.notBefore,
    notAfter: content.notAfter,
    publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      ...serverExtensions(x509, content.names),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return {
    certificatePem: pem(certificate),
    keyPem: given === undefined ? await privatePem(x509, keys) : '',
  };
}

/** Makes an authority that may sign certificates of servers, and no further authorities. */
export async function issueAuthority(
  commonName: string,
  keyType: KeyType,
  notBefore: Date,
  notAfter: Date,
): Promise<Authority> {
  const { x509, algorithm, keys } = await prepare(keyType);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: nameOf(commonName),
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: pem(certificate), keyPem: await privatePem(x509, keys) };
}

type Library = typeof import('@peculiar/x509');

async function prepare(keyType: KeyType) {
  // Its memory is needed only where a certificate is made.
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const algorithm = ALGORITHMS[keyType];
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  return { x509, algorithm, keys };
}

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) };

const ALGORITHMS = {
  'ec-p256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'ec-p384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  'rsa-2048': { ...RSA, modulusLength: 2048 },
  'rsa-4096': { ...RSA, modulusLength: 4096 },
} as const;

/** How the authority of this certificate signs, by the kind of its key. */
function signingAlgorithmOf({ publicKey }: InstanceType<Library['X509Certificate']>) {
  const { name, namedCurve } = publicKey.algorithm as { name: string; namedCurve?: string };
  if (name !== 'ECDSA') return ALGORITHMS['rsa-2048'];
  return namedCurve === 'P-384' ? ALGORITHMS['ec-p384'] : ALGORITHMS['ec-p256'];
}

function serverExtensions(x509: Library, names: readonly string[]) {
  const alternatives = names.map((name) => ({
    type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const),
    value: name,
  }));
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags;
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(digitalSignature | keyEncipherment, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(alternatives),
  ];
}

/** A common name has at most 64 characters (RFC 5280, ub-common-name); clients look at the alternative names only. */
function nameOf(commonName: string) {
  return [{ CN: [commonName.slice(0, 64)] }];
}

/** Positive, not zero, at most 20 bytes (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function pem(certificate: InstanceType<Library['X509Certificate']>): string {
  return `${certificate.toString('pem').trim()}\n`;
}

async function privatePem(x509: Library, keys: webcrypto.CryptoKeyPair): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return `${x509.PemConverter.encode(bytes, 'PRIVATE KEY').trim()}\n`;
}
