import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigError } from '#host/config/config-error.js';
import { readHostConfig } from '#host/config/read-host-config.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

let folder: TemporaryFolder;
beforeAll(() => {
  folder = new TemporaryFolder();
});
afterAll(() => folder.remove());

const PLAIN = ', { name: plain, port: 80 }';

/** The TLS settings of a connector with this section; `others`: further connectors. */
function read(tls: string, others = PLAIN) {
  const text = `connectors: [{ name: https, port: 8443, tls: ${tls} }${others}]\n`;
  return readHostConfig({ base: folder.write('base', { 'host.yaml': text }), env: {} }).connectors[0]?.tls;
}

function problems(tls: string, others = PLAIN): string[] {
  try {
    read(tls, others);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map(
        ({ path, message }) => `${path.replace('connectors[0].tls.', '')} ${message}`,
      );
    throw error;
  }
  return [];
}

describe('connectors[].tls.acme', () => {
  it('needs hosts and the agreement, and has defaults for the rest', () => {
    expect(read('{ acme: { agreeTerms: true, hosts: [Shop.example, shop.example] } }')?.acme).toEqual({
      directory: 'https://acme-v02.api.letsencrypt.org/directory',
      directoryCaFile: undefined,
      contact: [],
      externalAccount: undefined,
      hosts: ['shop.example'],
      challenge: 'http-01',
      keyType: 'ec-p256',
      renewBeforeMs: undefined,
      minRetryMs: 60_000,
      maxRetryMs: 6 * 3_600_000,
    });
    const acme = read(`{ certificates: [{ cert: a, key: b }], acme: { agreeTerms: true, hosts: [a.example],
      directory: "https://ca.internal/acme", directoryCa: ca.pem, contact: "mailto:ops@a.example", challenge: tls-alpn-01,
      keyType: rsa-2048, renewBefore: 45d, retry: { minDelay: 5m, maxDelay: 1d } } }`)?.acme;
    expect(acme).toMatchObject({
      directory: 'https://ca.internal/acme',
      directoryCaFile: join(folder.at('base'), 'ca.pem'),
      contact: ['ops@a.example'],
      renewBeforeMs: 45 * 86_400_000,
      minRetryMs: 300_000,
      maxRetryMs: 86_400_000,
    });
    const external = (more: string) =>
      `{ acme: { agreeTerms: true, hosts: [a.example], externalAccount: { keyId: kid-1${more} } } }`;
    expect(read(external(', keyFile: eab.key'))?.acme?.externalAccount).toEqual({
      keyId: 'kid-1',
      key: { file: join(folder.at('base'), 'eab.key') },
    });
    for (const more of ['', ', key: a, keyFile: b'])
      expect(problems(external(more))).toEqual([
        expect.stringMatching(/^acme\.externalAccount needs "key" or "keyFile", one of them/),
      ]);
    expect(
      read('{ acme: { agreeTerms: true, hosts: [a.example], directory: letsencrypt-staging } }')?.acme
        ?.directory,
    ).toMatch(/^https:\/\/acme-staging/);
  });

  it('is refused without agreement, with wildcards, addresses and no hosts, and without a door for the challenge', () => {
    expect(problems('{ acme: { hosts: [a.example] } }')).toEqual([
      expect.stringMatching(/^acme\.agreeTerms must be true/),
    ]);
    expect(problems('{ acme: { agreeTerms: true, hosts: ["*.a.example", "1.2.3.4", "a b"] } }')).toEqual([
      expect.stringMatching(/^acme\.hosts\[0\] "\*\.a\.example" has a wildcard/),
      expect.stringMatching(/^acme\.hosts\[1\] "1\.2\.3\.4" is not a host name/),
      expect.stringMatching(/^acme\.hosts\[2\]/),
    ]);
    expect(problems('{ acme: { agreeTerms: true } }')).toHaveLength(1);
    expect(problems('{ acme: { agreeTerms: true, hosts: [a.example] } }', '')).toEqual([
      expect.stringMatching(/^acme\.challenge http-01 is asked on port 80 without TLS/),
    ]);
    expect(
      problems('{ acme: { agreeTerms: true, hosts: [a.example], challenge: tls-alpn-01 } }', ''),
    ).toEqual([]);
    const wrong = `{ agreeTerms: true, hosts: [a.example], directory: "http://ca.example/", contact: [ops],
      challenge: dns-01, renewBefore: 30, retry: { minDelay: 1h, maxDelay: 1m } }`;
    expect(problems(`{ acme: ${wrong} }`)).toEqual([
      expect.stringMatching(/^acme\.directory "http:\/\/ca\.example\/" is no directory/),
      expect.stringMatching(/^acme\.contact\[0\] "ops" is not a mail address/),
      expect.stringMatching(/^acme\.challenge "dns-01" is not one of http-01, tls-alpn-01/),
      expect.stringMatching(/^acme\.renewBefore 30 is no duration/),
    ]);
    expect(
      problems('{ acme: { agreeTerms: true, hosts: [a.example], retry: { minDelay: 1h, maxDelay: 1m } } }'),
    ).toEqual([expect.stringMatching(/^acme\.retry\.maxDelay is shorter than minDelay/)]);
    expect(problems('{}')).toEqual([
      expect.stringMatching(/^certificates must be a list, unless there is "acme"/),
    ]);
  });
});

describe('connectors[].tls.hsts', () => {
  const value = (hsts: string) =>
    read(`{ certificates: [{ cert: a, key: b }], hsts: ${hsts} }`)?.transportSecurity;

  it('becomes the value of the header', () => {
    expect(read('{ certificates: [{ cert: a, key: b }] }')?.transportSecurity).toBeUndefined();
    expect(value('{}')).toBe('max-age=31536000');
    expect(value('{ maxAge: 0s }')).toBe('max-age=0');
    expect(value('{ maxAge: 730d, includeSubDomains: true, preload: true }')).toBe(
      'max-age=63072000; includeSubDomains; preload',
    );
  });

  it('is for the lists of browsers only as they want it', () => {
    const of = (hsts: string) => problems(`{ certificates: [{ cert: a, key: b }], hsts: ${hsts} }`);
    expect(of('{ preload: true }')).toEqual([
      expect.stringMatching(/^hsts\.preload needs includeSubDomains/),
    ]);
    expect(of('{ preload: true, includeSubDomains: true, maxAge: 30d }')).toHaveLength(1);
    expect(of('{ maxAge: 1y }')).toEqual([expect.stringMatching(/^hsts\.maxAge "1y" is no duration/)]);
    expect(of('{ maxAge: 9999d }')).toEqual([expect.stringMatching(/out of bounds: from 0s to 3650d/)]);
  });
});
