import { resolve } from 'node:path';
import { makeDevelopmentCertificate } from '../server/certificates/development-certificate.js';
import type { KeyType } from '../server/certificates/issue-certificate.js';

/** Options of `portico cert`, as commander gives them. */
export interface CertOptions {
  readonly days: number;
  readonly keyType: KeyType;
  readonly out: string;
  readonly ca?: boolean;
  readonly force?: boolean;
}

/** `portico cert [NAME...]`: a certificate for development. */
export async function cert(names: readonly string[], options: CertOptions): Promise<void> {
  const { days, keyType, out, ca = false, force = false } = options;
  const { certificateFile, keyFile, authorityFile } = await makeDevelopmentCertificate({
    names: names.length === 0 ? LOOPBACK : names,
    days,
    keyType,
    folder: resolve(out),
    authority: ca,
    force,
  });
  const trust = authorityFile ?? certificateFile;
  process.stdout.write(`made ${certificateFile}\nmade ${keyFile}\n`);
  process.stdout.write(
    `for development only; a client that is to trust it, for example: curl --cacert ${trust}\n`,
  );
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];
