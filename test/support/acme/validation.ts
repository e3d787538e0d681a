import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { connect } from 'node:tls';
import { calculateJwkThumbprint, type JWK } from 'jose';

const VALIDATION_MS = 10_000;

type Key = Readonly<Record<string, unknown>>;

async function keyAuthorization(token: string, key: Key): Promise<string> {
  return `${token}.${await calculateJwkThumbprint(key as JWK, 'sha256')}`;
}

/** Asks the host as RFC 8555 §8.3 says; throws when the answer is not right. */
export async function validateHttp(host: string, port: number, token: string, key: Key): Promise<void> {
  const expected = await keyAuthorization(token, key);
  const path = `/.well-known/acme-challenge/${token}`;
  const answer = await new Promise<string>((resolve, reject) => {
    const request = get(
      { host: '127.0.0.1', port, path, headers: { host }, agent: false, timeout: VALIDATION_MS },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += String(chunk);
        });
        response.on('end', () => resolve(`${response.statusCode} ${text.trim()}`));
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
  if (answer !== `200 ${expected}`) throw new Error(`${host} answered ${answer.slice(0, 200)}`);
}

/** Makes a handshake as RFC 8737 §3 says; throws when the certificate is not right. */
export async function validateTls(host: string, port: number, token: string, key: Key): Promise<void> {
  const digest = createHash('sha256')
    .update(await keyAuthorization(token, key))
    .digest('hex');
  const raw = await new Promise<Buffer>((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: host,
      ALPNProtocols: ['acme-tls/1'],
      rejectUnauthorized: false,
    });
    socket.setTimeout(VALIDATION_MS, () => socket.destroy(new Error('no handshake in time')));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const { raw } = socket.getPeerCertificate();
      if (socket.alpnProtocol === 'acme-tls/1') resolve(raw);
      else reject(new Error(`the protocol is ${socket.alpnProtocol}`));
      socket.destroy();
    });
  });
  const x509 = await import('@peculiar/x509');
  const certificate = new x509.X509Certificate(raw);
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  if (names.length !== 1 || names[0]?.type !== 'dns' || names[0].value !== host)
    throw new Error(`the certificate is for ${names.map(({ value }) => value).join()}`);
  // RFC 8737 §3: acmeIdentifier, critical, an octet string of 32 bytes.
  const identifier = certificate.getExtension('1.3.6.1.5.5.7.1.31');
  const value = identifier === null ? '' : Buffer.from(identifier.value).toString('hex');
  if (identifier?.critical !== true || value !== `0420${digest}`)
    throw new Error(`the certificate has the identifier ${value}`);
}
