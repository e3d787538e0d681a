import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext, type SecureVersion, type TlsOptions } from 'node:tls';
import type { ApplicationConfig } from '../application/application-config.js';
import type { ApplicationConfigValue } from '../application/config-value.js';
import { messageOf, PorticoError } from '../errors.js';
import { pairOf } from '../tls/certificate-facts.js';
import { isJava } from '../tls/jks.js';
import { isPem } from '../tls/pem.js';
import { type KeyStoreOptions, readKeyStore } from '../tls/read-key-store.js';

/**
 * TLS of an application on its own, from `portico.security.ssl`: `keyStore` (PKCS #12, JKS, or PEM with key and
 * certificates) with `keyStorePassword`, and `keyAlias` where it holds several keys; or `key` and `certificate` (PEM)
 * with `privateKeyPassword`; `trustStore` (PEM): clients must show a certificate it trusts; `enabledProtocols`. Files
 * are relative to `folder`. `keyStoreFile` of the command line wins. Rejects with `PORTICO_TLS_MISSING` without a key,
 * `PORTICO_KEY_STORE` for files that cannot be used, `PORTICO_PROPERTY_TYPE` for unknown protocols.
 */
export async function sslSettings(
  config: ApplicationConfig,
  folder: string,
  keyStoreFile: string | undefined,
): Promise<TlsOptions> {
  const ssl = config.config('portico.security.ssl');
  const text = (name: string): string | undefined => ssl.propertyOrNull(name)?.getString();
  const keyStore = keyStoreFile ?? text('keyStore');
  const [key, certificate] = [text('key'), text('certificate')];
  const read = (name: string, file: string): Buffer => readStore(name, resolve(folder, file));
  let own: TlsOptions;
  if (keyStore !== undefined) {
    const passphrase = text('keyStorePassword') ?? text('privateKeyPassword');
    own = await fromStore(read('key store', keyStore), {
      what: keyStore,
      alias: text('keyAlias'),
      password: passphrase,
      keyPassword: text('privateKeyPassword'),
    });
  } else if (key !== undefined && certificate !== undefined) {
    const passphrase = text('privateKeyPassword');
    own = {
      key: read('key', key),
      cert: read('certificate', certificate),
      ...(passphrase !== undefined && { passphrase }),
    };
  } else throw missing();
  const trustStore = text('trustStore');
  const trusted: TlsOptions =
    trustStore === undefined
      ? {}
      : {
          ca: pemOnly(read('trust store', trustStore), trustStore),
          requestCert: true,
          rejectUnauthorized: true,
        };
  const options = { ...own, ...trusted, ...versions(ssl.propertyOrNull('enabledProtocols')) };
  return checked(options, keyStore ?? key ?? '');
}

function readStore(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw unusable(
      `The ${name} ${file} cannot be read: ${messageOf(cause)}. Correct portico.security.ssl.`,
      cause,
    );
  }
}

/** Node reads the usual stores itself; for the others there are libraries, which are loaded only then. */
async function fromStore(bytes: Buffer, options: KeyStoreOptions): Promise<TlsOptions> {
  if (isJava(bytes) || options.alias !== undefined) return pairOf(await readKeyStore(bytes, options));
  const { password: passphrase } = options;
  const store: TlsOptions = isPem(bytes) ? { key: bytes, cert: bytes } : { pfx: bytes };
  return passphrase === undefined ? store : { ...store, passphrase };
}

function pemOnly(bytes: Buffer, file: string): Buffer {
  if (isPem(bytes)) return bytes;
  throw unusable(
    `The trust store ${file} is not PEM. Convert it: openssl pkcs12 -in ${file} -nokeys -out trust.pem.`,
  );
}

/** In order. */
const PROTOCOLS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** What is between the oldest and the newest is enabled as well: that is how OpenSSL is asked. */
function versions(value: ApplicationConfigValue | undefined): TlsOptions {
  if (value === undefined) return {};
  const names = value.type === 'SINGLE' ? value.getString().split(',') : value.getList();
  const places = names.map((name) => PROTOCOLS.indexOf(name.trim() as SecureVersion)).sort();
  const [minVersion, maxVersion] = [PROTOCOLS[places[0] ?? -1], PROTOCOLS[places.at(-1) ?? -1]];
  if (minVersion !== undefined && maxVersion !== undefined) return { minVersion, maxVersion };
  throw new PorticoError(
    'PORTICO_PROPERTY_TYPE',
    `portico.security.ssl.enabledProtocols${value.origin === undefined ? '' : ` (${value.origin})`} is ${names.join()}: name some of ${PROTOCOLS.join(', ')}.`,
  );
}

/** A wrong password or a key of another certificate shows here, before a port is open. */
function checked(options: TlsOptions, file: string): TlsOptions {
  try {
    createSecureContext(options);
  } catch (cause) {
    throw unusable(
      `${file} cannot be used for TLS: ${messageOf(cause)}. Look at its password, and whether key and certificate belong together.`,
      cause,
    );
  }
  return options;
}

function missing(): PorticoError {
  return new PorticoError(
    'PORTICO_TLS_MISSING',
    'sslPort is set, but there is no certificate. Name a key store with -sslKeyStore=FILE or ' +
      'portico.security.ssl.keyStore, or PEM files with portico.security.ssl.key and certificate.',
  );
}

function unusable(message: string, cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_KEY_STORE', message, { cause });
}
