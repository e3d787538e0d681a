import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { PorticoError } from '../../errors.js';
import {
  type Authority,
  type CertificateContent,
  issueAuthority,
  issueCertificate,
  issueSelfSigned,
  type KeyType,
} from './issue-certificate.js';
import { fileExists, writeSecretFile } from './secret-file.js';

/** What `makeDevelopmentCertificate` is to make. */
export interface DevelopmentCertificateOptions {
  /** Host names and IP addresses; at least one. */
  readonly names: readonly string[];
  /** From now on; 1 to 3650. */
  readonly days: number;
  readonly keyType: KeyType;
  /** Made when it is not there. */
  readonly folder: string;
  /** Sign with the authority in the folder, `ca.crt` and `ca.key`; it is made when there is none. */
  readonly authority: boolean;
  /** Replace files of the same names. The authority is never replaced: it may be trusted somewhere already. */
  readonly force: boolean;
}

/** Where the results are. */
export interface DevelopmentCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Of the authority that signed it, to be trusted by clients. */
  readonly authorityFile: string | undefined;
}

/**
 * Makes a certificate for development: `<first name>.crt`, followed by its authority if it has one, and `<first name>.key`,
 * readable by their owner alone. Throws `PORTICO_CERTIFICATE_NAME`, `PORTICO_FILE_EXISTS`, `PORTICO_FILE_UNWRITABLE` and
 * `PORTICO_AUTHORITY_UNUSABLE`; then nothing has been replaced.
 */
export async function makeDevelopmentCertificate(
  options: DevelopmentCertificateOptions,
): Promise<DevelopmentCertificate> {
  const names = [...new Set(options.names.map((name) => checkName(name)))];
  const { folder, keyType, force } = options;
  const base = join(folder, fileNameOf(names[0] ?? 'localhost'));
  const [certificateFile, keyFile] = [`${base}.crt`, `${base}.key`];
  for (const file of [certificateFile, keyFile]) if (!force && existsSync(file)) throw fileExists(file);
  makeFolder(folder);
  const notBefore = new Date(Date.now() - CLOCK_SKEW_MS);
  const content = { names, keyType, notBefore, notAfter: new Date(Date.now() + options.days * DAY_MS) };
  const authorityFile = options.authority ? join(folder, 'ca.crt') : undefined;
  const { certificatePem, keyPem } = await issue(content, folder, authorityFile);
  writeSecretFile(keyFile, keyPem, { replace: force });
  writeSecretFile(certificateFile, certificatePem, { replace: force });
  return { certificateFile, keyFile, authorityFile };
}

const DAY_MS = 86_400_000;
/** Clocks of other machines may be behind. */
const CLOCK_SKEW_MS = 3_600_000;
const AUTHORITY_DAYS = 3650;

async function issue(content: CertificateContent, folder: string, authorityFile: string | undefined) {
  if (authorityFile === undefined) return await issueSelfSigned(content);
  const keyFile = join(folder, 'ca.key');
  const isThere = existsSync(authorityFile) || existsSync(keyFile);
  const authority = isThere
    ? readAuthority(authorityFile, keyFile)
    : await makeAuthority(authorityFile, keyFile);
  const issued = await issueCertificate(content, authority);
  return { ...issued, certificatePem: issued.certificatePem + authority.certificatePem };
}

async function makeAuthority(certificateFile: string, keyFile: string): Promise<Authority> {
  const notBefore = new Date(Date.now() - CLOCK_SKEW_MS);
  const notAfter = new Date(Date.now() + AUTHORITY_DAYS * DAY_MS);
  const authority = await issueAuthority('Portico development authority', 'ec-p256', notBefore, notAfter);
  writeSecretFile(keyFile, authority.keyPem, { replace: false });
  writeSecretFile(certificateFile, authority.certificatePem, { replace: false });
  return authority;
}

function readAuthority(certificateFile: string, keyFile: string): Authority {
  const unusable = (reason: string, cause?: unknown) =>
    new PorticoError(
      'PORTICO_AUTHORITY_UNUSABLE',
      `The authority in ${certificateFile} and ${keyFile} ${reason}. Correct it, or delete both files: then a new one is made, which clients must be told to trust anew.`,
      { cause },
    );
  let authority: Authority;
  let certificate: X509Certificate;
  let isPair: boolean;
  try {
    authority = {
      certificatePem: readFileSync(certificateFile, 'utf8'),
      keyPem: readFileSync(keyFile, 'utf8'),
    };
    certificate = new X509Certificate(authority.certificatePem);
    isPair = certificate.checkPrivateKey(createPrivateKey(authority.keyPem));
  } catch (cause) {
    throw unusable('cannot be read', cause);
  }
  if (!isPair) throw unusable('do not belong together');
  if (!certificate.ca) throw unusable('may not sign certificates');
  if (Date.parse(certificate.validTo) < Date.now()) throw unusable(`has expired on ${certificate.validTo}`);
  return authority;
}

/** A name as it goes into the certificate: a host name in lower case, with a wildcard in front perhaps, or an address. */
function checkName(name: string): string {
  const bare = name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
  if (isIP(bare) !== 0) return bare;
  const host = bare.toLowerCase();
  const label = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?';
  const isName = host.length <= 253 && new RegExp(`^(\\*\\.)?${label}(\\.${label})*$`).test(host);
  if (isName && !/^[\d.]+$/.test(host)) return host;
  throw new PorticoError(
    'PORTICO_CERTIFICATE_NAME',
    `${JSON.stringify(name)} is neither a host name nor an IP address. Write for example localhost, *.test.example or 127.0.0.1; other alphabets in their xn-- form.`,
  );
}

function fileNameOf(name: string): string {
  return name.replace('*', 'wildcard').replaceAll(':', '_');
}

function makeFolder(folder: string): void {
  try {
    makeFolders(folder);
  } catch (cause) {
    throw new PorticoError(
      'PORTICO_FILE_UNWRITABLE',
      `Cannot make the folder ${folder}. Name another one with --out.`,
      { cause },
    );
  }
}

/** Step by step: Node's own way never ends where the system allows no folders, such as in `/proc`. */
function makeFolders(folder: string): void {
  if (existsSync(folder) && statSync(folder).isDirectory()) return;
  if (dirname(folder) !== folder) makeFolders(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}
