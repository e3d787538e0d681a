import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import type { TlsSettings } from '#host/tls/tls-settings.js';
import { makeAuthority, makeCertificate, type TestCertificate } from '#test/support/certificates.js';
import { TestServer } from '#test/support/connector-server.js';
import { settle, until } from '#test/support/polling.js';
import { RawClient } from '#test/support/raw-client.js';
import { ask, connectTls, setOf } from '#test/support/tls-connector.js';

let authority: TestCertificate;
let shop: TestCertificate;
let blog: TestCertificate;
let wild: TestCertificate;
beforeAll(() => {
  authority = makeAuthority();
  shop = makeCertificate({ names: ['shop.example'], authority });
  blog = makeCertificate({ names: ['blog.example'], authority });
  wild = makeCertificate({ names: ['*.shop.example'], authority });
});

let server: TestServer;
afterEach(() => server.stop());

/** Tells what it knows of the connection. */
function tellFacts(exchange: Exchange): void {
  const { tls } = exchange.head.connection;
  const { clientCertificate: client, ...rest } = tls ?? { clientCertificate: undefined };
  const { isSecure, remoteAddress } = exchange.head.connection;
  exchange.respond(
    200,
    [],
    JSON.stringify({
      ...rest,
      isSecure,
      remoteAddress,
      client: client && { subject: client.subject, isAuthorized: client.isAuthorized },
    }),
  );
}

const start = async (tls: Partial<TlsSettings> = {}, limits = {}) => {
  const certificates = [
    setOf(['shop.example'], [shop], true),
    setOf(['blog.example'], [blog]),
    setOf(['*.shop.example'], [wild]),
  ];
  server = await TestServer.start(tellFacts, limits, { tls: { certificates, ...tls } });
};

const refused = async (reasons: readonly string[]) => {
  await until(() => server.refusals.length >= reasons.length);
  expect(server.reasons).toEqual(reasons);
};
const open = (options: ConnectionOptions = {}) => connectTls(server.port, options);
const shown = async (servername: string | undefined, options: ConnectionOptions = {}) => {
  const socket = await open(servername === undefined ? options : { ...options, servername });
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
};
const told = async (socket: TLSSocket) => {
  const text = await ask(socket, 'shop.example');
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>;
};

describe('a connector with TLS', () => {
  it('shows the certificate of the name that is asked for, then that of a wildcard, then the default', async () => {
    await start();
    expect(await shown('shop.example')).toBe('shop.example');
    expect(await shown('BLOG.example')).toBe('blog.example');
    expect(await shown('a.shop.example')).toBe('*.shop.example');
    expect(await shown('a.b.shop.example')).toBe('shop.example');
    expect(await shown('other.example')).toBe('shop.example');
    expect(await shown(undefined)).toBe('shop.example');
  });

  it('tells the application what TLS tells', async () => {
    await start();
    const told13 = await told(await open({ servername: 'Shop.Example', ALPNProtocols: ['http/1.1'] }));
    expect(told13).toMatchObject({
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      serverName: 'shop.example',
      isSecure: true,
      remoteAddress: '127.0.0.1',
    });
    const told12 = await told(await open({ maxVersion: 'TLSv1.2' }));
    expect(told12).toMatchObject({
      protocol: 'TLSv1.2',
      cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    });
    expect(told12).not.toHaveProperty('serverName');
  });

  it('has certificates of two kinds of keys for one name', async () => {
    const rsa = makeCertificate({ names: ['shop.example'], type: 'rsa', authority });
    await start({ certificates: [setOf(['shop.example'], [shop, rsa], true)] });
    const bits = async (sigalgs: string) => {
      const socket = await open({ servername: 'shop.example', sigalgs });
      const { asn1Curve } = socket.getPeerCertificate();
      socket.destroy();
      return asn1Curve === undefined ? 'rsa' : 'ec';
    };
    expect(await bits('ecdsa_secp256r1_sha256')).toBe('ec');
    expect(await bits('rsa_pss_rsae_sha256')).toBe('rsa');
  });

  it('shows the certificate of the name whatever types of keys it and the default have', async () => {
    const rsa = makeCertificate({ names: ['shop.example'], type: 'rsa', authority });
    const other = makeCertificate({ names: ['other.example'], type: 'rsa', authority });
    const standard = makeCertificate({ names: ['default.example'], authority });
    await start({
      certificates: [
        setOf(['default.example'], [standard], true),
        setOf(['shop.example'], [shop, rsa]),
        setOf(['other.example'], [other]),
      ],
    });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      // Clients that can read both, as all do today.
      for (const name of ['default.example', 'shop.example', 'other.example'])
        expect(await shown(name, { maxVersion })).toBe(name);
      expect(await shown('shop.example', { maxVersion, sigalgs: 'rsa_pss_rsae_sha256' })).toBe(
        'shop.example',
      );
      expect(await shown('shop.example', { maxVersion, sigalgs: 'ecdsa_secp256r1_sha256' })).toBe(
        'shop.example',
      );
    }
    // Nobody is shown a certificate of another name only because it is the one he could read.
    await expect(open({ servername: 'other.example', sigalgs: 'ecdsa_secp256r1_sha256' })).rejects.toThrow(
      /alert/,
    );
  });

  it('refuses protocols that are too old, and suites without forward secrecy', async () => {
    await start();
    await expect(
      open({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }),
    ).rejects.toThrow();
    await expect(open({ maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' })).rejects.toThrow();
    await expect(open({ ALPNProtocols: ['spdy/1'] })).rejects.toThrow(/alert/);
    await refused(Array(3).fill('tls-handshake-failed'));
    expect(server.connector.openConnections).toBe(0);
  });

  it('is what a target of https needs, unless a trusted proxy ends TLS', async () => {
    const absolute = 'GET https://shop.example/ HTTP/1.1\r\nHost: shop.example\r\n\r\n';
    const answer = async (proxies: readonly string[]) => {
      server = await TestServer.start(tellFacts, {}, { forwarding: { proxies, fields: [] } });
      const client = await RawClient.open(server.port);
      client.send(absolute);
      const response = await client.response();
      client.destroy();
      return response?.status;
    };
    expect(await answer(['10.0.0.0/8'])).toBe(421);
    expect(server.reasons).toEqual(['misdirected-request']);
    await server.stop();
    expect(await answer(['127.0.0.0/8'])).toBe(200);
    await server.stop();
    await start();
    const socket = await open({ servername: 'shop.example' });
    socket.write(absolute);
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(bytes.toString()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('tells who speaks plain HTTP to it', async () => {
    await start();
    const socket = connectPlain(server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n');
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*This port speaks HTTPS\. Write https:/s);
    expect(server.reasons).toEqual(['plain-http']);
  });

  it('cuts junk, silence and handshakes that do not end', async () => {
    await start({ handshakeTimeoutMs: 200 });
    for (const [bytes, reason] of [
      ['\x00\x01\x02', 'tls-handshake-failed'],
      ['\x16\x03\x01\x00\x05hello', 'tls-handshake-failed'],
      ['', 'tls-handshake-timeout'],
      ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 'tls-handshake-timeout'],
    ] as const) {
      const socket = connectPlain(server.port, '127.0.0.1');
      if (bytes !== '') socket.write(bytes, 'latin1');
      socket.on('error', () => socket.destroy());
      socket.resume();
      await once(socket, 'close');
      await refused([reason]);
      server.refusals.length = 0;
    }
    await until(() => server.connector.openConnections === 0);
  });

  it('forgets a client that goes away within the handshake', async () => {
    await start({ handshakeTimeoutMs: 600_000 });
    const hello = Buffer.concat(await helloOf());
    const socket = connectPlain(server.port, '127.0.0.1');
    socket.write(hello);
    await once(socket, 'data');
    expect(server.openConnections).toBe(1);
    socket.end();
    await until(() => server.openConnections === 0);
    expect(server.refusals).toEqual([]);
  });

  it('counts handshakes among the connections', async () => {
    await start({}, { maxConnections: 2 });
    const silent = [connectPlain(server.port, '127.0.0.1'), connectPlain(server.port, '127.0.0.1')];
    await until(() => server.connector.openConnections === 2);
    await expect(open()).rejects.toThrow();
    expect(server.reasons).toEqual(['connection-limit']);
    for (const socket of silent) socket.destroy();
    await until(() => server.connector.openConnections === 0);
    expect(await told(await open())).toMatchObject({ isSecure: true });
  });
});

/** What a client sends first. */
async function helloOf(): Promise<Buffer[]> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  const [carrier] = (await once(listener, 'connection')) as [Socket];
  const bytes = (await once(carrier, 'data')) as Buffer[];
  client.destroy();
  carrier.destroy();
  listener.close();
  return bytes;
}

describe('what goes through TLS', () => {
  /** Sends the body back as it comes, slowly: takes the next part when the client has taken the last. */
  function echo(exchange: Exchange): void {
    let unread = 0;
    const takeMore = (): void => {
      const bytes = unread;
      unread = 0;
      if (bytes > 0) exchange.consumed(bytes);
    };
    exchange.begin(200, []);
    exchange.listen({
      data(chunk) {
        unread += chunk.length;
        if (exchange.write(Buffer.from(chunk))) setImmediate(takeMore);
      },
      end: () => exchange.end(),
      drain: takeMore,
      aborted: () => undefined,
    });
  }
  const startEcho = async () => {
    server = await TestServer.start(
      echo,
      {},
      { tls: { certificates: [setOf(['shop.example'], [shop], true)] } },
    );
  };

  it('arrives whole when both sides are slow', async () => {
    await startEcho();
    const socket = await open();
    const body = randomBytes(6 * 1024 * 1024);
    socket.write(
      `POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    for (let at = 0; at < body.length; at += 100_000) socket.write(body.subarray(at, at + 100_000));
    const hash = createHash('sha256');
    let head = '';
    const received = (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of socket) {
        chunks.push(chunk as Buffer);
        if (chunks.length % 16 === 0) await settle(1);
      }
      return Buffer.concat(chunks);
    })();
    const all = await received;
    const start = all.indexOf('\r\n\r\n') + 4;
    head = all.toString('latin1', 0, start);
    expect(head).toMatch(/transfer-encoding: chunked/i);
    let left = all.subarray(start);
    for (;;) {
      const line = left.indexOf('\r\n');
      const size = Number.parseInt(left.toString('latin1', 0, line), 16);
      if (size === 0) break;
      hash.update(left.subarray(line + 2, line + 2 + size));
      left = left.subarray(line + 4 + size);
    }
    expect(hash.digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
  });

  it('is answered when the client has closed its direction', async () => {
    await startEcho();
    const socket = await open({ allowHalfOpen: true } as ConnectionOptions);
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.end('POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhello');
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n5\r\nhello\r\n0\r\n\r\n$/);
    await until(() => server.connector.openConnections === 0);
  });

  it('may be many requests on a connection, each split at any byte', async () => {
    await start();
    const socket = await open({ servername: 'shop.example' });
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    const requests = 'GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n'.repeat(3);
    for (const byte of requests) socket.write(byte);
    await until(() => text.split('HTTP/1.1 200').length === 4);
    socket.destroy();
  });

  it('ends when the server drains, behind what is in flight', async () => {
    await start();
    const idle = await open({ servername: 'shop.example' });
    idle.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n');
    await once(idle, 'data');
    const silent = connectPlain(server.port, '127.0.0.1');
    await until(() => server.connector.openConnections === 2);
    const closed = [
      once(idle, 'close'),
      once(
        silent.on('error', () => undefined),
        'close',
      ),
    ];
    idle.resume();
    silent.resume();
    await server.connector.drain(30_000);
    await Promise.all(closed);
    expect(server.connector.openConnections).toBe(0);
  });
});

describe('client certificates', () => {
  const ask2 = async (options: ConnectionOptions) =>
    told(await open({ servername: 'shop.example', ...options }));
  const client = () => makeCertificate({ commonName: 'ann', authority });

  it('are told when they are optional, with whether they may be believed', async () => {
    await start({ clientCertificate: 'optional', trust: [authority.cert] });
    const ann = client();
    expect(await ask2({ cert: ann.cert, key: ann.key })).toMatchObject({
      client: { subject: 'CN=ann', isAuthorized: true },
    });
    const eve = makeCertificate({ commonName: 'eve' });
    expect(await ask2({ cert: eve.cert, key: eve.key })).toMatchObject({
      client: { subject: 'CN=eve', isAuthorized: false },
    });
    expect(await ask2({})).not.toHaveProperty('client');
  });

  it('are demanded when they are required', async () => {
    await start({ clientCertificate: 'required', trust: [authority.cert] });
    const ann = client();
    expect(await ask2({ cert: ann.cert, key: ann.key })).toMatchObject({ client: { isAuthorized: true } });
    const eve = makeCertificate({ commonName: 'eve' });
    const expired = makeCertificate({ commonName: 'old', authority, notAfter: new Date(Date.now() - 1000) });
    for (const { cert, key } of [eve, expired, { cert: undefined, key: undefined }]) {
      const attempt = async () => {
        const socket = await open({ servername: 'shop.example', ...(cert && { cert, key }) });
        if ((await ask(socket, 'shop.example')) === '') throw new Error('cut');
      };
      await expect(attempt()).rejects.toThrow();
    }
    await refused(Array(3).fill('client-certificate'));
  });

  it('are not asked for else', async () => {
    await start();
    const ann = client();
    expect(await ask2({ cert: ann.cert, key: ann.key })).not.toHaveProperty('client');
  });
});

describe('sessions', () => {
  const key = () => randomBytes(48).toString('base64');
  const [first, second, third] = [key(), key(), key()];

  /** Connects, asks, and gives the session with what the application was told. */
  const visit = async (options: ConnectionOptions) => {
    const socket = await open({ servername: 'blog.example', ...options });
    const isReused = socket.isSessionReused();
    // TLS 1.3 sends it behind the handshake.
    let session: Buffer | undefined = socket.getSession();
    socket.on('session', (bytes: Buffer) => {
      session = bytes;
    });
    const facts = await told(socket);
    return { isReused, session, facts };
  };

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`of ${version} resume with the current and the previous key, and not with an older one`, async () => {
      await start({ ticketKeys: [first], strictSni: false });
      const options = { minVersion: version, maxVersion: version };
      const { session, isReused } = await visit(options);
      expect(isReused).toBe(false);
      const again = await visit({ ...options, ...(session && { session }) });
      expect(again).toMatchObject({ isReused: true, facts: { serverName: 'blog.example' } });
      server.connector.useTicketKeys([second, first]);
      expect(await visit({ ...options, ...(session && { session }) })).toMatchObject({ isReused: true });
      server.connector.useTicketKeys([third, second]);
      expect(await visit({ ...options, ...(session && { session }) })).toMatchObject({ isReused: false });
    });
  }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`of ${version} resume for another name of the certificate, and not for that of another`, async () => {
      const certificates = [
        setOf(['shop.example'], [shop], true),
        setOf(['blog.example', 'news.example'], [blog]),
      ];
      await start({ ticketKeys: [first], certificates });
      const options = { minVersion: version, maxVersion: version };
      const { session } = await visit(options);
      const next = { ...options, ...(session && { session }) };
      const socket = await open({ ...next, servername: 'shop.example' });
      expect([socket.isSessionReused(), socket.getPeerCertificate().subject.CN]).toEqual([
        false,
        'shop.example',
      ]);
      expect(await visit({ ...next, servername: 'news.example' })).toMatchObject({ isReused: true });
    });
  }

  it('resume at another front with the same keys', async () => {
    await start({ ticketKeys: [first] });
    const { session } = await visit({});
    const other = server;
    await start({ ticketKeys: [first] });
    await other.stop();
    expect(await visit({ ...(session && { session }) })).toMatchObject({ isReused: true });
  });

  it('without a certificate never count as authorized', async () => {
    await start({ ticketKeys: [first], clientCertificate: 'optional', trust: [authority.cert] });
    const { session } = await visit({});
    const again = await visit({ ...(session && { session }) });
    expect(again.isReused).toBe(true);
    expect(again.facts).not.toHaveProperty('client');
  });

  it('keep the client certificate', async () => {
    await start({ ticketKeys: [first], clientCertificate: 'required', trust: [authority.cert] });
    const { cert, key: own } = makeCertificate({ commonName: 'ann', authority });
    const { session } = await visit({ cert, key: own });
    const again = await visit({ ...(session && { session }) });
    expect(again).toMatchObject({
      isReused: true,
      facts: { client: { subject: 'CN=ann', isAuthorized: true } },
    });
  });
});

describe('certificates that are replaced', () => {
  it('are shown to new connections, and leave the others alone', async () => {
    await start();
    const before = await open({ servername: 'shop.example' });
    const renewed = makeCertificate({ names: ['shop.example', 'www.shop.example'], authority });
    server.connector.useCertificates({
      certificates: [setOf(['shop.example', 'www.shop.example'], [renewed], true)],
    });
    const after = await open({ servername: 'www.shop.example' });
    expect(after.getPeerCertificate().raw).toEqual(renewed.der);
    after.destroy();
    expect(await told(before)).toMatchObject({ serverName: 'shop.example' });
  });

  it('stay when the new ones cannot be used', async () => {
    await start();
    const broken = { ...shop, key: blog.key };
    expect(() =>
      server.connector.useCertificates({ certificates: [setOf(['shop.example'], [broken], true)] }),
    ).toThrow(/mismatch/);
    expect(await shown('blog.example')).toBe('blog.example');
  });
});
