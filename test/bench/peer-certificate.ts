import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate } from '#test/support/certificates.js';
import { temporaryFolder } from './host.js';
import type { PeerCertificate } from './peer.js';

/** A self-signed certificate for `localhost` with a P-256 key, as PEM files that every server reads. */
export function makePeerCertificate(): PeerCertificate {
  const { key, cert } = makeCertificate({ names: ['localhost'] });
  const folder = temporaryFolder();
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  writeFileSync(keyFile, key);
  writeFileSync(certFile, cert);
  return { keyFile, certFile };
}
