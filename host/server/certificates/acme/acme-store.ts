import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AcmeConfig } from '../../../config/acme-config.js';
import { PorticoError } from '../../../errors.js';
import { systemCodeOf } from '../../../system-error.js';
import { writeSecretFile } from '../secret-file.js';

/** The account at an authority. */
export interface AcmeAccount {
  readonly keyPem: string;
  /** Undefined: not yet known to the authority. */
  readonly url: string | undefined;
  readonly contact: readonly string[];
  /** Identifier of the external account that it was bound to. */
  readonly externalKeyId?: string | undefined;
}

/**
 * What has to outlive the server: accounts, and certificates with their keys. `work/acme/<authority>/`, readable by the
 * owner alone. One account for each authority, whatever connectors use it; one file for each set of hosts.
 */
export class AcmeStore {
  readonly #folder: string;
  /** One file with key and chain, so that they can never be of two certificates. */
  readonly certificateFile: string;

  constructor(workFolder: string, config: AcmeConfig) {
    const { hostname } = new URL(config.directory);
    this.#folder = join(workFolder, 'acme', `${safe(hostname)}-${digest(config.directory)}`);
    const first = config.hosts[0] ?? '';
    this.certificateFile = join(
      this.#folder,
      `${safe(first)}-${digest(`${config.keyType} ${[...config.hosts].sort().join(' ')}`)}.pem`,
    );
  }

  /** Text of the certificate file; undefined when there is none. */
  readCertificate(): string | undefined {
    return this.#read(this.certificateFile);
  }

  writeCertificate(keyPem: string, chainPem: string): void {
    this.#write(this.certificateFile, `${keyPem.trim()}\n${chainPem.trim()}\n`);
  }

  /** The account; undefined when there is none, or when it cannot be read as one. */
  readAccount(): AcmeAccount | undefined {
    const text = this.#read(join(this.#folder, 'account.json'));
    if (text === undefined) return undefined;
    try {
      const { keyPem, url, contact, externalKeyId } = JSON.parse(text) as AcmeAccount;
      if (typeof keyPem === 'string') return { keyPem, url, contact: contact ?? [], externalKeyId };
    } catch (cause) {
      throw new PorticoError(
        'PORTICO_ACME_STORE',
        `${this.#folder}/account.json is not what was written there. Restore it, or delete it: then a new account is made.`,
        { cause },
      );
    }
    return undefined;
  }

  writeAccount(account: AcmeAccount): void {
    this.#write(join(this.#folder, 'account.json'), `${JSON.stringify(account)}\n`);
  }

  #read(file: string): string | undefined {
    try {
      return readFileSync(file, 'utf8');
    } catch (cause) {
      if (systemCodeOf(cause) === 'ENOENT') return undefined;
      throw new PorticoError(
        'PORTICO_ACME_STORE',
        `Cannot read ${file}. It must belong to the user of the host.`,
        { cause },
      );
    }
  }

  #write(file: string, text: string): void {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw new PorticoError(
        'PORTICO_ACME_STORE',
        `Cannot make the folder ${this.#folder}. Check who may write into the work folder.`,
        { cause },
      );
    }
    writeSecretFile(file, text, { replace: true });
  }
}

function safe(name: string): string {
  return name.replace(/[^a-z0-9.-]/g, '_').slice(0, 80);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
