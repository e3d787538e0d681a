import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApplicationCallPipeline, ConsoleLog } from 'portico';
import { type ApplicationEngine, CIO, EngineMain, Node } from 'portico/embedded';
import { makeCertificate, makeJks, makePlainPkcs12 } from '#test/support/certificates.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

/** One folder with the key stores of `www.example` and one application. */
let folder: TemporaryFolder;
const openssl = (...args: readonly string[]): void => {
  execFileSync('openssl', args, { cwd: folder.path, stdio: 'ignore' });
};

beforeAll(() => {
  folder = new TemporaryFolder();
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '1'];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  openssl('req', '-x509', ...curve, '-nodes', ...name, '-keyout', 'key.pem', '-out', 'cert.pem');
  const store = ['-inkey', 'key.pem', '-in', 'cert.pem', '-out', 'store.p12'];
  openssl('pkcs12', '-export', ...store, '-passout', 'pass:changeit');
  openssl('ec', '-in', 'key.pem', '-aes128', '-passout', 'pass:secret', '-out', 'locked.pem');
  writeFileSync(
    folder.at('both.pem'),
    readFileSync(folder.at('key.pem'), 'utf8') + readFileSync(folder.at('cert.pem'), 'utf8'),
  );
  const own = makeCertificate({ names: ['localhost'] });
  writeFileSync(folder.at('own.pem'), own.cert);
  const other = makeCertificate({ names: ['other.example'] });
  writeFileSync(folder.at('java.jks'), makeJks({ other, own }, 'changeit'));
  writeFileSync(folder.at('two.p12'), makePlainPkcs12({ other, own }));
});
afterAll(() => folder.remove());

const create = (properties: readonly string[], engine = CIO, args: readonly string[] = ['-sslPort=0']) =>
  EngineMain.createServer(
    [...args, '-host=127.0.0.1', ...properties.map((one) => `-P:portico.security.ssl.${one}`)],
    {
      folder: folder.path,
      env: {},
      log: new ConsoleLog('silent'),
      engine,
      modules: [
        (application) =>
          application.intercept(ApplicationCallPipeline.Call, ({ call }) =>
            call.respondText(call.request.origin.scheme),
          ),
      ],
    },
  );

async function get(engine: ApplicationEngine, more: https.RequestOptions = {}): Promise<string> {
  const [connector] = (await engine.resolvedConnectors()).filter(({ scheme }) => scheme === 'https');
  return new Promise((resolve, reject) => {
    const ca = readFileSync(folder.at('cert.pem'));
    https
      .get(
        { host: '127.0.0.1', port: connector?.port, servername: 'localhost', ca, agent: false, ...more },
        (response) => {
          response.setEncoding('utf8').once('data', resolve).once('error', reject);
        },
      )
      .on('error', reject);
  });
}

const P12 = ['keyStore=store.p12', 'keyStorePassword=changeit'];

describe('TLS of an application on its own', () => {
  it.each([
    ['PKCS #12', CIO, P12],
    ['PKCS #12, on Node', Node, P12],
    ['PEM in one file', CIO, ['keyStore=both.pem']],
    [
      'PEM in two files, the key locked',
      CIO,
      ['key=locked.pem', 'certificate=cert.pem', 'privateKeyPassword=secret'],
    ],
  ])('takes a key store: %s', async (_, engine, properties) => {
    const server = await create(properties, engine);
    await server.start();
    try {
      expect(await get(server)).toBe('https');
      expect((await server.resolvedConnectors()).map(({ scheme }) => scheme)).toEqual(['https']);
    } finally {
      await server.stop(0);
    }
  });

  it.each([
    ['JKS', ['keyStore=java.jks', 'keyStorePassword=changeit', 'keyAlias=own']],
    ['PKCS #12 with several keys', ['keyStore=two.p12', 'keyAlias=own']],
  ])('takes the key of an alias: %s', async (_, properties) => {
    const server = await create(properties);
    await server.start();
    try {
      expect(await get(server, { ca: readFileSync(folder.at('own.pem')) })).toBe('https');
    } finally {
      await server.stop(0);
    }
  });

  it('serves http and https when both ports are named, with the store of the command line', async () => {
    const server = await create([], CIO, ['-port=0', '-sslPort=0', '-sslKeyStore=both.pem']);
    await server.start();
    try {
      expect(server.environment.connectors.map(({ scheme }) => scheme)).toEqual(['http', 'https']);
      const [plain] = await server.resolvedConnectors();
      expect(await (await fetch(`http://127.0.0.1:${plain?.port}/`)).text()).toBe('http');
      expect(await get(server)).toBe('https');
    } finally {
      await server.stop(0);
    }
  });

  it('lets in only clients that the trust store knows', async () => {
    const server = await create([...P12, 'trustStore=cert.pem', 'enabledProtocols=TLSv1.2']);
    await server.start();
    try {
      await expect(get(server)).rejects.toThrow();
      const [key, cert] = [readFileSync(folder.at('key.pem')), readFileSync(folder.at('cert.pem'))];
      expect(await get(server, { key, cert })).toBe('https');
      await expect(get(server, { key, cert, minVersion: 'TLSv1.3' })).rejects.toThrow();
    } finally {
      await server.stop(0);
    }
  });

  it.each([
    ['no store at all', [], 'PORTICO_TLS_MISSING', /no certificate/],
    ['a key without certificate', ['key=key.pem'], 'PORTICO_TLS_MISSING', /no certificate/],
    ['a file that is not there', ['keyStore=no.p12'], 'PORTICO_KEY_STORE', /no\.p12 cannot be read/],
    ['a wrong password', ['keyStore=store.p12', 'keyStorePassword=wrong'], 'PORTICO_KEY_STORE', /password/],
    ['a store of Java without its password', ['keyStore=java.jks'], 'PORTICO_KEY_STORE', /Give its password/],
    ['a trust store that is not PEM', [...P12, 'trustStore=store.p12'], 'PORTICO_KEY_STORE', /not PEM/],
    [
      'a protocol nobody knows',
      [...P12, 'enabledProtocols=SSLv3'],
      'PORTICO_PROPERTY_TYPE',
      /command line.*SSLv3/,
    ],
  ])('refuses %s before a port is open', async (_, properties, code, message) => {
    await expect(create(properties)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
