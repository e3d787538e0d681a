import { getCiphers } from 'node:tls';
import { z } from 'zod';
import { acmeSchema, checkAcme } from './acme-schema.js';
import { type ConfigPath, suggest } from './config-error.js';
import { hostPattern } from './host-pattern.js';
import { checkHsts, hstsSchema } from './hsts-schema.js';
import { duration, flag, leaf, section, show, text, word } from './setting-types.js';

const PROTOCOLS = ['TLSv1.2', 'TLSv1.3'] as const;

/** Forward secrecy and authenticated encryption only (RFC 9325 §4.2; Mozilla's "intermediate" without finite-field DHE). */
const DEFAULT_CIPHERS: readonly string[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

const certificateSchema = section({
  cert: text().optional(),
  key: text().optional(),
  keyStore: text().optional(),
  type: word(['pkcs12', 'jks', 'pem']).optional(),
  alias: text().optional(),
  password: text().optional(),
  passwordFile: text().optional(),
  keyPassword: text().optional(),
  keyPasswordFile: text().optional(),
  hosts: z
    .array(hostPattern({ wildcard: true }))
    .min(1, 'the list is empty')
    .optional(),
});

/** `connectors[].tls`. */
export const tlsSchema = section({
  certificates: z
    .array(certificateSchema)
    .min(1, 'the list is empty: at least one certificate is needed')
    .max(10_000, 'at most 10000 certificates')
    .optional(),
  acme: acmeSchema.optional(),
  hsts: hstsSchema.optional(),
  default: hostPattern({ wildcard: true }).optional(),
  protocols: z
    .array(word(PROTOCOLS))
    .min(1, 'the list is empty')
    .default([...PROTOCOLS]),
  ciphers: z
    .array(cipher())
    .min(1, 'the list is empty')
    .default([...DEFAULT_CIPHERS]),
  clientCertificate: word(['none', 'optional', 'required']).default('none'),
  trust: z.array(text()).default([]),
  revocationLists: z.array(text()).default([]),
  ocspStapling: flag().default(false),
  ocspResponder: responderUrl().optional(),
  strictSni: flag().default(true),
  handshakeTimeout: duration({ min: 100, max: 600_000 }).default(10_000),
  sessionLifetime: duration({ max: 86_400_000 }).default(3_600_000),
  watchInterval: duration().default(10_000),
});

/** A TLS section after the schema. */
export type TlsSection = z.output<typeof tlsSchema>;
type CertificateSection = NonNullable<TlsSection['certificates']>[number];

/** What no single value shows. `at` is the path of the section; `hasPlainConnector`: there is one without TLS. */
export function checkTls(
  tls: TlsSection,
  at: ConfigPath,
  hasPlainConnector: boolean,
  add: (path: ConfigPath, message: string) => void,
): void {
  if (tls.certificates === undefined && tls.acme === undefined)
    add([...at, 'certificates'], 'must be a list, unless there is "acme": a connector needs a certificate');
  if (tls.acme !== undefined) checkAcme(tls.acme, [...at, 'acme'], hasPlainConnector, add);
  if (tls.hsts !== undefined) checkHsts(tls.hsts, [...at, 'hsts'], add);
  tls.certificates?.forEach((certificate, index) => {
    const path = [...at, 'certificates', index];
    const message = sourceProblem(certificate);
    if (message !== undefined) add(path, message);
    for (const name of ['password', 'keyPassword'] as const) {
      if (certificate[name] !== undefined && certificate[`${name}File`] !== undefined)
        add([...path, `${name}File`], `stands beside ${name}: give the password or its file, not both`);
    }
  });
  if (tls.clientCertificate !== 'none' && tls.trust.length === 0)
    add([...at, 'clientCertificate'], 'needs "trust": files with the authorities of the clients');
  if (tls.clientCertificate === 'none' && tls.trust.length > 0)
    add(
      [...at, 'trust'],
      'has no effect while clientCertificate is none: remove it, or ask for certificates',
    );
  if (tls.ocspResponder !== undefined && !tls.ocspStapling)
    add([...at, 'ocspResponder'], 'has no effect without "ocspStapling: true": add that, or remove it');
  if (tls.clientCertificate === 'none' && tls.revocationLists.length > 0)
    add(
      [...at, 'revocationLists'],
      'has no effect while clientCertificate is none: remove it, or ask for certificates',
    );
  for (const protocol of tls.protocols) {
    const isNew = protocol === 'TLSv1.3';
    if (!tls.ciphers.some((name) => name.startsWith('TLS_') === isNew))
      add([...at, 'ciphers'], `the list has no suite of ${protocol}: add one, or take it out of protocols`);
  }
}

const STORE_KEYS = ['type', 'alias', 'keyPassword', 'keyPasswordFile'] as const;

function sourceProblem(given: CertificateSection): string | undefined {
  const { cert, key, keyStore } = given;
  if (keyStore !== undefined) {
    const extra = cert !== undefined ? 'cert' : key !== undefined ? 'key' : undefined;
    return extra === undefined
      ? undefined
      : `has both keyStore and ${extra}: a certificate comes from one place`;
  }
  if (cert === undefined && key === undefined) return 'names no certificate: give cert and key, or keyStore';
  if (cert === undefined || key === undefined)
    return `has ${cert === undefined ? 'key' : 'cert'} without ${cert === undefined ? 'cert' : 'key'}`;
  const wrong = STORE_KEYS.find((name) => given[name] !== undefined);
  return wrong === undefined ? undefined : `has ${wrong}, which goes with keyStore only`;
}

/** Answers are signed, so plain http is what responders speak. */
function responderUrl() {
  return leaf<string>((value, fail) => {
    const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol))
      return fail(`${show(value)} is no URL of a responder: write http:// or https:// and its address`);
    return url.href;
  });
}

/** Names as OpenSSL has them. */
function cipher() {
  return leaf<string>((value, fail) => {
    const known = getCiphers();
    if (typeof value === 'string' && known.includes(value.toLowerCase())) return value.toUpperCase();
    const near = typeof value === 'string' ? suggest(value, known) : undefined;
    return fail(`${show(value)} is no cipher suite that OpenSSL knows`, near?.toUpperCase());
  });
}
