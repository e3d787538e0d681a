import { randomBytes } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { TlsSettings } from '#host/tls/tls-settings.js';
import {
  makeAuthority,
  makeCertificate,
  makeRevocationList,
  type TestCertificate,
} from '#test/support/certificates.js';
import { TestServer } from '#test/support/connector-server.js';
import { until } from '#test/support/polling.js';
import { ask, connectTls, setOf } from '#test/support/tls-connector.js';

let authority: TestCertificate;
let shop: TestCertificate;
let ann: TestCertificate;
let eve: TestCertificate;
beforeAll(() => {
  authority = makeAuthority();
  shop = makeCertificate({ names: ['shop.example'], authority });
  ann = makeCertificate({ commonName: 'ann', authority });
  eve = makeCertificate({ commonName: 'eve', authority });
});

let server: TestServer;
afterEach(() => server.stop());

const start = async (tls: Partial<TlsSettings>) => {
  server = await TestServer.start(
    (exchange) => {
      const { clientCertificate } = exchange.head.connection.tls ?? {};
      exchange.respond(200, [], `authorized: ${clientCertificate?.isAuthorized}`);
    },
    {},
    { tls: { certificates: [setOf(['shop.example'], [shop], true)], trust: [authority.cert], ...tls } },
  );
};

/** What the application is told of this client; `cut` when it is not let in. With or without a session to resume. */
const visit = async ({ cert, key }: TestCertificate, more: ConnectionOptions = {}) => {
  let session: Buffer | undefined;
  try {
    const socket = await connectTls(server.port, { servername: 'shop.example', cert, key, ...more });
    const isReused = socket.isSessionReused();
    session = socket.getSession();
    socket.on('session', (bytes: Buffer) => {
      session = bytes;
    });
    const said = /authorized: .*/.exec(await ask(socket, 'shop.example'))?.[0] ?? 'cut';
    return { said, isReused, session };
  } catch {
    return { said: 'cut', isReused: false, session };
  }
};
const said = async (client: TestCertificate, more?: ConnectionOptions) => (await visit(client, more)).said;

describe('client certificates that their authority has taken back', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`are refused where they are required (${version}), and no others`, async () => {
      await start({ clientCertificate: 'required', revocationLists: [makeRevocationList(authority, [eve])] });
      const options = { minVersion: version, maxVersion: version };
      expect(await said(eve, options)).toBe('cut');
      expect(await said(ann, options)).toBe('authorized: true');
      expect(await said(eve, { ...options, servername: '' })).toBe('cut');
      await until(() => server.refusals.length === 2);
      expect(server.reasons).toEqual(['client-certificate', 'client-certificate']);
    });
  }

  it('are not to be believed where they are optional', async () => {
    await start({ clientCertificate: 'optional', revocationLists: [makeRevocationList(authority, [eve])] });
    expect(await said(eve)).toBe('authorized: false');
    expect(await said(ann)).toBe('authorized: true');
  });

  it('do not get in by a session from before', async () => {
    const revocationLists = [makeRevocationList(authority, [])];
    const ticketKeys = [randomBytes(48).toString('base64')];
    await start({ clientCertificate: 'required', revocationLists, ticketKeys });
    const { session } = await visit(eve);
    if (session === undefined) throw new Error('no session');
    expect(await visit(eve, { session })).toMatchObject({ said: 'authorized: true', isReused: true });
    server.connector.useCertificates({
      certificates: [setOf(['shop.example'], [shop], true)],
      revocationLists: [makeRevocationList(authority, [eve])],
    });
    expect(await said(eve, { session })).toBe('cut');
    expect(await said(ann)).toBe('authorized: true');
  });

  it('let nobody in while the list is older than it may be', async () => {
    const ended = makeRevocationList(authority, [eve], { notAfter: new Date(Date.now() - 60_000) });
    await start({ clientCertificate: 'required', revocationLists: [ended] });
    expect(await said(ann)).toBe('cut');
  });
});
