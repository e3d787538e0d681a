import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_CONNECTOR_LIMITS } from '#host/config/connector-limits.js';
import { Connector } from '#host/connector/connector.js';
import type { ExchangeHandler } from '#host/exchange/exchange.js';
import { issueSelfSigned } from '#host/server/certificates/issue-certificate.js';
import { connectTls, setOf, TLS_DEFAULTS } from '#test/support/tls-connector.js';

const POLICY = 'max-age=31536000; includeSubDomains';

/** Answers in the ways there are: whole, in parts, with a policy of its own, with an interim answer. */
const handler: ExchangeHandler = (exchange) => {
  switch (exchange.head.path) {
    case '/parts':
      exchange.begin(200, ['content-type', 'text/plain']);
      exchange.write(Buffer.from('parts'));
      exchange.end();
      break;
    case '/own':
      exchange.respond(200, ['strict-transport-security', 'max-age=5'], 'own');
      break;
    case '/interim':
      exchange.interim(103, ['link', '</a>']);
      exchange.respond(200, [], 'after');
      break;
    default:
      exchange.respond(200, [], 'whole');
  }
};

describe('Strict-Transport-Security of a connector', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  });

  /** A connector with the policy; `isSecure`: with TLS. Gives what comes back on one connection. */
  async function start(isSecure: boolean): Promise<(request: string) => Promise<string>> {
    const day = 86_400_000;
    const { certificatePem: cert, keyPem: key } = await issueSelfSigned({
      names: ['a.example'],
      keyType: 'ec-p256',
      notBefore: new Date(Date.now() - day),
      notAfter: new Date(Date.now() + day),
    });
    const sets = [setOf(['a.example'], [{ cert, key } as never], true)];
    const connector = new Connector({
      settings: {
        limits: DEFAULT_CONNECTOR_LIMITS,
        transportSecurity: POLICY,
        ...(isSecure && { tls: { ...TLS_DEFAULTS, certificates: sets } }),
      },
      handler,
    });
    const server = createServer({ allowHalfOpen: true }, (socket) => connector.accept(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    cleanUps.push(async () => {
      server.close();
      await connector.drain(0);
    });
    return async (request) => {
      const socket = isSecure
        ? await connectTls(port, { servername: 'a.example' })
        : (await import('node:net')).connect(port, '127.0.0.1');
      socket.end(request);
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      return text;
    };
  }

  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`;
  const policies = (answer: string) =>
    [...answer.matchAll(/^strict-transport-security: (.*)\r$/gim)].map(([, value]) => value);

  it('is in every answer with TLS that has none of its own, refusals included', async () => {
    const ask = await start(true);
    for (const path of ['/', '/parts']) expect(policies(await ask(get(path)))).toEqual([POLICY]);
    expect(policies(await ask(get('/own')))).toEqual(['max-age=5']);
    const interim = await ask(get('/interim'));
    expect(interim.indexOf('Strict-Transport')).toBeGreaterThan(interim.indexOf('HTTP/1.1 200'));
    expect(policies(interim)).toEqual([POLICY]);
    expect(policies(await ask('GET / HTTP/1.1\r\n\r\n'))).toEqual([POLICY]);
    expect(await ask(get('/parts'))).toMatch(/\r\nTransfer-Encoding: chunked\r\n[\s\S]*parts\r\n0\r\n\r\n$/);
  });

  it('is in no answer without TLS, except what the application says itself', async () => {
    const ask = await start(false);
    expect(policies(await ask(get('/')))).toEqual([]);
    expect(policies(await ask('GET / HTTP/1.1\r\n\r\n'))).toEqual([]);
    expect(policies(await ask(get('/own')))).toEqual(['max-age=5']);
  });
});
