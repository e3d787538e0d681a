import { z } from 'zod';
import type { AcmeConfig, ExternalAccount } from './acme-config.js';
import type { ConfigPath } from './config-error.js';
import { hostPattern } from './host-pattern.js';
import { longDuration } from './long-duration.js';
import { flag, leaf, section, show, text, word } from './setting-types.js';

/** Authorities that have a name here. */
const DIRECTORIES: Readonly<Record<string, string>> = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  'letsencrypt-staging': 'https://acme-staging-v02.api.letsencrypt.org/directory',
};

/** `connectors[].tls.acme`. */
export const acmeSchema = section({
  directory: directoryUrl().default(DIRECTORIES['letsencrypt'] ?? ''),
  directoryCa: text().optional(),
  agreeTerms: flag().default(false),
  contact: z.preprocess(
    (value) => (typeof value === 'string' ? [value] : (value ?? undefined)),
    z.array(mailAddress()).max(10, 'at most 10 addresses').default([]),
  ),
  externalAccount: section({
    keyId: text(),
    key: text().optional(),
    keyFile: text().optional(),
  }).optional(),
  hosts: z
    .array(hostPattern({ wildcard: false }), 'is required: a list of host names')
    .min(1, 'the list is empty: name the hosts that the certificate is for')
    .max(100, 'at most 100 hosts for one certificate'),
  challenge: word(['http-01', 'tls-alpn-01']).default('http-01'),
  keyType: word(['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-4096']).default('ec-p256'),
  renewBefore: longDuration({ minMs: 1000, maxDays: 365 }).optional(),
  retry: section({
    minDelay: longDuration({ minMs: 1000, maxDays: 1 }).default(60_000),
    maxDelay: longDuration({ minMs: 1000, maxDays: 7 }).default(6 * 3_600_000),
  }).prefault({}),
});

/** An ACME section after the schema. */
export type AcmeSection = z.output<typeof acmeSchema>;

/** Makes settings of a section; `fileOf` makes a path absolute. */
export function acmeConfigOf(given: AcmeSection, fileOf: (path: string) => string): AcmeConfig {
  return {
    directory: given.directory,
    directoryCaFile: given.directoryCa === undefined ? undefined : fileOf(given.directoryCa),
    externalAccount: externalAccountOf(given.externalAccount, fileOf),
    contact: given.contact,
    hosts: [...new Set(given.hosts)],
    challenge: given.challenge,
    keyType: given.keyType,
    renewBeforeMs: given.renewBefore,
    minRetryMs: given.retry.minDelay,
    maxRetryMs: given.retry.maxDelay,
  };
}

function externalAccountOf(
  given: AcmeSection['externalAccount'],
  fileOf: (path: string) => string,
): ExternalAccount | undefined {
  if (given === undefined) return undefined;
  const { keyId, key, keyFile = '' } = given;
  return { keyId, key: key === undefined ? { file: fileOf(keyFile) } : { text: key } };
}

/** What no single value shows. `hasPlainConnector`: there is one without TLS, where http-01 can be answered. */
export function checkAcme(
  given: AcmeSection,
  at: ConfigPath,
  hasPlainConnector: boolean,
  add: (path: ConfigPath, message: string) => void,
): void {
  if (!given.agreeTerms)
    add(
      [...at, 'agreeTerms'],
      'must be true: it says that you agree to the terms of service of the certification authority',
    );
  if (given.challenge === 'http-01' && !hasPlainConnector)
    add(
      [...at, 'challenge'],
      'http-01 is asked on port 80 without TLS, and there is no such connector: add one, for example with "redirect", or use tls-alpn-01',
    );
  const { key, keyFile } = given.externalAccount ?? { key: '', keyFile: undefined };
  if ((key === undefined) === (keyFile === undefined))
    add(
      [...at, 'externalAccount'],
      'needs "key" or "keyFile", one of them: the authority gave it with keyId',
    );
  if (given.retry.minDelay > given.retry.maxDelay)
    add([...at, 'retry', 'maxDelay'], 'is shorter than minDelay: make it at least as long');
}

function directoryUrl() {
  return leaf<string>((value, fail) => {
    if (typeof value !== 'string') return fail(`${show(value)} is not a URL`);
    const known = DIRECTORIES[value];
    if (known !== undefined) return known;
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url?.protocol === 'https:' && url.username === '' && url.password === '') return url.href;
    return fail(
      `${show(value)} is no directory of a certification authority: write ${Object.keys(DIRECTORIES).join(', ')}, or a URL with https`,
    );
  });
}

function mailAddress() {
  return leaf<string>((value, fail) => {
    const address = typeof value === 'string' ? value.replace(/^mailto:/, '') : '';
    if (/^[^\s@,?<>"]{1,64}@[^\s@,?<>"]{1,253}$/.test(address)) return address;
    return fail(`${show(value)} is not a mail address`);
  });
}
