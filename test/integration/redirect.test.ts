import { afterEach, describe, expect, it } from '@jest/globals';
import { makeDevelopmentCertificate } from '#host/server/certificates/development-certificate.js';
import { TestFront } from '#test/support/front.js';
import { TestHost } from '#test/support/host.js';
import { headerOf, RawClient } from '#test/support/raw-client.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

describe('a redirect connector', () => {
  let host: TestHost | undefined;
  let folder: TemporaryFolder | undefined;
  afterEach(async () => {
    await host?.stop();
    host = undefined;
    folder?.remove();
  });

  /** Statuses and locations of requests on one connection. */
  async function ask(port: number, ...requests: string[]): Promise<string[]> {
    const client = await RawClient.open(port);
    const answers: string[] = [];
    for (const request of requests) {
      client.send(request);
      const response = await client.response(request.slice(0, request.indexOf(' ')));
      answers.push(`${response?.status} ${headerOf(response, 'location') ?? ''}`.trim());
    }
    client.destroy();
    return answers;
  }

  it('sends everybody to the same host, path and query with https, with the method kept', async () => {
    folder = new TemporaryFolder();
    const { certificateFile, keyFile } = await makeDevelopmentCertificate({
      names: ['shop.example'],
      days: 1,
      keyType: 'ec-p256',
      folder: folder.path,
      authority: false,
      force: false,
    });
    host = await TestHost.start({
      config: `connectors:
  - { name: plain, redirect: { to: secure, hosts: [shop.example, "*.shop.example", localhost] } }
  - { name: secure, host: 127.0.0.1, port: 0, tls: { certificates: [{ cert: ${certificateFile}, key: ${keyFile} }] } }
`,
      apps: { ROOT: { 'index.html': 'not to be seen' } },
    });
    const run = (await (await host.admin('/v1/server')).json()) as {
      server: { connectors: { port: number }[] };
    };
    const secure = run.server.connectors[1]?.port;
    expect(secure).toBeGreaterThan(0);
    expect(
      await ask(
        host.port,
        'GET /a%7e/c?x=%20//y HTTP/1.1\r\nHost: Shop.example\r\n\r\n',
        'POST / HTTP/1.1\r\nHost: www.shop.example:80\r\nContent-Length: 3\r\n\r\nabc',
        'HEAD //evil.example/ HTTP/1.1\r\nHost: localhost:8080\r\n\r\n',
        'GET /.well-known/acme-challenge/unknown HTTP/1.1\r\nHost: shop.example\r\n\r\n',
        'OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n',
        'GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n',
        'GET / HTTP/1.1\r\nHost: a.b.shop.example\r\n\r\n',
        'GET http://shop.example/abs?q HTTP/1.1\r\nHost: shop.example\r\n\r\n',
      ),
    ).toEqual([
      `308 https://shop.example:${secure}/a~/c?x=%20//y`,
      `308 https://www.shop.example:${secure}/`,
      `308 https://localhost:${secure}/evil.example/`,
      `308 https://shop.example:${secure}/.well-known/acme-challenge/unknown`,
      `308 https://shop.example:${secure}/`,
      '421',
      '421',
      `308 https://shop.example:${secure}/abs?q`,
    ]);
    expect(await ask(host.port, 'GET / HTTP/1.0\r\n\r\n')).toEqual(['400']);
    expect(await ask(host.port, 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n')).toEqual(['400']);
    const metrics = await (await host.admin('/metrics')).text();
    expect(metrics).toMatch(/portico_requests_total\{[^}]*application="-"[^}]*class="3xx"\} 6/);
  });
});

describe('the questions of certification authorities', () => {
  let front: TestFront | undefined;
  afterEach(async () => {
    await front?.stop();
    front = undefined;
  });

  const challenge = '/.well-known/acme-challenge/';

  it('are answered for known tokens, by GET and HEAD, as long as they are known', async () => {
    front = await TestFront.start();
    const status = async (path: string, method = 'GET') => (await front?.get(path, { method }))?.status;
    expect(await status(`${challenge}tok-en_1`)).toBe(404);
    front.send({ type: 'http-challenges', tokens: { 'tok-en_1': 'tok-en_1.print' } });
    await front.counts();
    const answer = await front.get(`${challenge}tok-en_1`);
    expect([answer.status, await answer.text()]).toEqual([200, 'tok-en_1.print']);
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(await status(`${challenge}tok-en_1`, 'HEAD')).toBe(200);
    expect(await status(`${challenge}tok-en_1`, 'POST')).toBe(404);
    for (const path of [`${challenge}other`, challenge, `${challenge}tok-en_1/x`, `${challenge}constructor`])
      expect(await status(path)).toBe(404);
    front.send({ type: 'http-challenges', tokens: {} });
    await front.counts();
    expect(await status(`${challenge}tok-en_1`)).toBe(404);
  });
});
