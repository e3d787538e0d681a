import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeDevelopmentCertificate } from '#host/server/certificates/development-certificate.js';
import { repositoryFolder } from '#test/support/paths.js';
import { WAIT_MS } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const cli = join(repositoryFolder, 'dist/host/cli/main.js');

/** Connects to a server with this certificate as a client that trusts `ca`, and gives what it thinks of it. */
async function isTrusted(certificate: string, key: string, ca: string, name: string): Promise<string> {
  const server = createServer({ cert: certificate, key });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', ca, servername: name });
  const verdict = await new Promise<string>((resolve) => {
    socket.once('secureConnect', () => resolve('trusted'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  return verdict;
}

describe('portico cert', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
  });
  afterEach(() => folder.remove());

  const cert = (...args: string[]) =>
    new Promise<string>((resolve) => {
      execFile(
        process.execPath,
        [cli, 'cert', ...args],
        { cwd: folder.path, timeout: WAIT_MS },
        (error, out, err) => resolve(out + err + (error === null ? '' : `exit code ${error.code}`)),
      );
    });
  const read = (name: string) => readFileSync(folder.at('certs', name), 'utf8');

  it('makes a P-256 certificate for this machine that a client can trust', async () => {
    expect(await cert()).toMatch(/made .*certs\/localhost\.crt\nmade .*localhost\.key\n.*--cacert/);
    const certificate = new X509Certificate(read('localhost.crt'));
    expect(certificate.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(createPrivateKey(read('localhost.key')).asymmetricKeyDetails).toEqual({
      namedCurve: 'prime256v1',
    });
    const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(365);
    const text = read('localhost.crt');
    expect(await isTrusted(text, read('localhost.key'), text, 'localhost')).toBe('trusted');
    expect(await isTrusted(text, read('localhost.key'), text, 'other.example')).toBe(
      'ERR_TLS_CERT_ALTNAME_INVALID',
    );
  });

  it('writes files that their owner alone may read', async () => {
    await cert('--ca');
    const names = readdirSync(folder.at('certs')).sort();
    expect(names).toEqual(['ca.crt', 'ca.key', 'localhost.crt', 'localhost.key']);
    for (const name of names) expect(statSync(folder.at('certs', name)).mode & 0o777).toBe(0o600);
  });

  it('signs with the authority of the folder, the same one each time', async () => {
    await cert('a.example', '*.a.example', '--ca', '--days', '30');
    await cert('b.example', '--ca', '--key-type', 'rsa-2048');
    const ca = read('ca.crt');
    expect(await isTrusted(read('a.example.crt'), read('a.example.key'), ca, 'x.a.example')).toBe('trusted');
    expect(await isTrusted(read('b.example.crt'), read('b.example.key'), ca, 'b.example')).toBe('trusted');
    expect(new X509Certificate(ca).ca).toBe(true);
    expect(createPrivateKey(read('b.example.key')).asymmetricKeyType).toBe('rsa');
  });

  it('never overwrites without --force, and with it replaces the pair but not the authority', async () => {
    await cert('--ca');
    const [before, ca] = [read('localhost.crt'), read('ca.crt')];
    expect(await cert('--ca')).toMatch(/is there already.*\[PORTICO_FILE_EXISTS\]\nexit code 1$/s);
    expect(read('localhost.crt')).toBe(before);
    expect(await cert('--ca', '--force')).toContain('made');
    expect(read('localhost.crt')).not.toBe(before);
    expect(read('ca.crt')).toBe(ca);
    expect(await isTrusted(read('localhost.crt'), read('localhost.key'), ca, 'localhost')).toBe('trusted');
  });

  it('refuses when only the key is there, and writes nothing', async () => {
    folder.write('certs', { 'localhost.key': 'mine' });
    expect(await cert()).toContain('PORTICO_FILE_EXISTS');
    expect(read('localhost.key')).toBe('mine');
    expect(existsSync(folder.at('certs/localhost.crt'))).toBe(false);
  });

  it('refuses a broken authority instead of making another', async () => {
    await cert('--ca');
    writeFileSync(folder.at('certs/ca.key'), 'broken');
    expect(await cert('c.example', '--ca')).toMatch(/ca\.key cannot be read.*PORTICO_AUTHORITY_UNUSABLE/s);
    expect(read('ca.key')).toBe('broken');
    expect(existsSync(folder.at('certs/c.example.crt'))).toBe(false);
  });

  it('says that a folder cannot be made, also where the system has none to make', async () => {
    writeFileSync(folder.at('file'), '');
    for (const out of [folder.at('file/certs'), '/proc/certs/inner'])
      expect(await cert('d.example', '--out', out)).toMatch(
        /Cannot make the folder .*PORTICO_FILE_UNWRITABLE/s,
      );
  });

  it('refuses names that no certificate can have, and wrong options', async () => {
    expect(await cert('a b')).toMatch(/PORTICO_CERTIFICATE_NAME.*exit code 2/s);
    for (const name of ['a..b', '*.*.a', 'a.*', '../a', '-a', '1.2.3.4.5', 'ü.example', 'a/b']) {
      const made = makeDevelopmentCertificate({
        names: [name],
        days: 1,
        keyType: 'ec-p256',
        folder: folder.at('certs'),
        authority: false,
        force: false,
      });
      await expect(made).rejects.toMatchObject({ code: 'PORTICO_CERTIFICATE_NAME' });
    }
    expect(await cert('--days', '0')).toContain('exit code 2');
    expect(await cert('--key-type', 'dsa')).toContain('exit code 2');
    expect(existsSync(folder.at('certs'))).toBe(false);
  });
});
