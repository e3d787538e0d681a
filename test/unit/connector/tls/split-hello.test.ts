import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectPlain, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import type { TlsSettings } from '#host/tls/tls-settings.js';
import { makeCertificate } from '#test/support/certificates.js';
import { TestServer } from '#test/support/connector-server.js';
import { ask, connectTls, shopAndBlog } from '#test/support/tls-connector.js';

const { certificates } = shopAndBlog();

let server: TestServer;
let network: Server | undefined;
const links = new Set<Socket>();
afterEach(async () => {
  for (const link of links) link.destroy();
  await new Promise((resolve) => (network === undefined ? resolve(0) : network.close(resolve)));
  network = undefined;
  await server.stop();
});

const start = async (tls: Partial<TlsSettings> = {}) => {
  const handler = ({ head, respond }: Exchange): void =>
    respond(200, [], `name: ${head.connection.tls?.serverName}`);
  server = await TestServer.start(
    (exchange) => handler({ head: exchange.head, respond: exchange.respond.bind(exchange) } as Exchange),
    {},
    { tls: { certificates, ...tls } },
  );
};

/** A network whose packets are small at first, as large hellos of clients see it. Gives its port. */
const smallPackets = async (): Promise<number> => {
  const through = createServer((client) => {
    const link = connectPlain(server.port, '127.0.0.1');
    link.setNoDelay(true);
    for (const socket of [client, link]) {
      links.add(socket);
      socket.on('error', () => socket.destroy());
    }
    link.pipe(client);
    void (async () => {
      const [hello] = (await once(client, 'data')) as [Buffer];
      client.pause();
      for (let at = 0; at < hello.length; at += 100) {
        link.write(hello.subarray(at, at + 100));
        await delay(2);
      }
      client.pipe(link);
    })();
  });
  through.listen(0, '127.0.0.1');
  await once(through, 'listening');
  network = through;
  return (through.address() as { port: number }).port;
};

describe('a ClientHello in several packets', () => {
  it('finds the challenge of a certification authority', async () => {
    const proof = makeCertificate({ names: ['shop.example'] });
    await start({ challenges: [{ host: 'shop.example', cert: proof.cert, key: proof.key }] });
    const port = await smallPackets();
    const socket = await connectTls(port, { servername: 'shop.example', ALPNProtocols: ['acme-tls/1'] });
    expect(socket.alpnProtocol).toBe('acme-tls/1');
    expect(socket.getPeerCertificate().raw).toEqual(proof.der);
    socket.destroy();
  });

  it('tells the name when a session is resumed', async () => {
    await start({ ticketKeys: [randomBytes(48).toString('base64')] });
    const port = await smallPackets();
    const options: ConnectionOptions = { servername: 'blog.example', maxVersion: 'TLSv1.2' };
    const first = await connectTls(port, options);
    const session = first.getSession();
    expect(await ask(first, 'blog.example')).toContain('name: blog.example');
    const second = await connectTls(port, { ...options, ...(session && { session }) });
    expect(second.isSessionReused()).toBe(true);
    expect(await ask(second, 'blog.example')).toContain('name: blog.example');
  });
});
