import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type RequestOptions, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { WAIT_MS } from '#test/support/polling.js';

const plain = {
  'package.json': '{ "main": "app.js" }',
  'app.js': `module.exports = (q, r) => r.end(JSON.stringify({
    address: q.socket.remoteAddress ?? null, secure: q.socket.encrypted === true, headers: q.headers }));`,
};
const framework = {
  'package.json': '{ "type": "module" }',
  'application.yaml': 'portico: { application: { modules: ["app.js#app"] } }',
  'app.js': `import { routing } from 'portico';
    import { XForwardedHeaders } from 'portico/plugins/forwarded-headers';
    export function app(application) {
      application.install(XForwardedHeaders);
      routing(application, (route) => route.get('/', (call) => {
        const { origin, headers } = call.request;
        return { address: origin.remoteAddress, url: origin.url, fields: headers.get('X-Forwarded-For') ?? null };
      }));
    }`,
};

const said = {
  Host: 'shop.example',
  'X-Forwarded-For': '6.6.6.6, 203.0.113.7, 10.0.0.2',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'www.example',
  'X-Forwarded-Port': '8443',
  'X-Forwarded-Prefix': '/evil',
  Forwarded: 'for=8.8.8.8',
};

function get(options: RequestOptions): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent: false, timeout: WAIT_MS, headers: said, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve(JSON.parse(body)));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const PROXIED = 'GET /plain/proxied HTTP/1.0\r\nHost: a.example\r\n\r\n';

/** Everything that comes back until the connection ends, also by a reset. */
function raw(port: number | undefined, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port: port ?? 0, host: '127.0.0.1', timeout: WAIT_MS });
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.write(text);
  });
}

describe('what proxies say', () => {
  let host: TestHost;
  let place = '';
  let ports: number[] = [];
  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), 'portico-proxies-'));
    host = await TestHost.start({
      apps: { plain, framework },
      config: `
connectors:
  - { name: trusting, host: 127.0.0.1, port: 0, trustedProxies: [127.0.0.0/8, 10.0.0.0/8],
      forwardedHeaders: [x-forwarded-for, x-forwarded-proto, x-forwarded-host, x-forwarded-port] }
  - { name: public, host: 127.0.0.1, port: 0 }
  - { name: others, host: 127.0.0.1, port: 0, trustedProxies: [10.0.0.0/8] }
  - { name: balanced, host: 127.0.0.1, port: 0, proxyProtocol: { from: [127.0.0.1] } }
  - { name: closed, host: 127.0.0.1, port: 0, proxyProtocol: { from: [192.0.2.0/24], timeout: 1s } }
  - { name: local, socket: { path: ${place}/a.sock }, trustedProxies: [unix, 10.0.0.0/8] }
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
`,
    });
    const run = JSON.parse(readFileSync(join(host.base, 'run/server.json'), 'utf8')) as {
      connectors: { port: number }[];
    };
    ports = run.connectors.map(({ port }) => port);
  });
  afterAll(async () => {
    await host?.stop();
    rmSync(place, { recursive: true });
  });

  it('reaches any server as if the client had come itself, and nothing of it as it was sent', async () => {
    expect(await get({ port: ports[0], path: '/plain/trusted' })).toEqual({
      address: '203.0.113.7',
      secure: true,
      headers: expect.objectContaining({
        host: 'shop.example',
        'x-forwarded-for': '203.0.113.7',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'www.example:8443',
        'x-forwarded-prefix': '/plain',
      }),
    });
  });

  it('reaches applications of the framework as the origin', async () => {
    expect(await get({ port: ports[0], path: '/framework/' })).toEqual({
      address: '203.0.113.7',
      url: 'https://www.example:8443',
      fields: null,
    });
  });

  it.each([
    ['by nobody who is trusted', 1],
    ['by somebody who is not', 2],
  ])('is removed when it is said %s', async (_, index) => {
    expect(await get({ port: ports[index], path: `/plain/untrusted` })).toEqual({
      address: '127.0.0.1',
      secure: false,
      headers: {
        host: 'shop.example',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'shop.example',
        'x-forwarded-prefix': '/plain',
      },
    });
    expect(await get({ port: ports[index], path: '/framework/' })).toEqual({
      address: '127.0.0.1',
      url: 'http://shop.example',
      fields: null,
    });
  });

  it('is believed from a Unix socket where that is said; of host and port nothing, unless asked for', async () => {
    expect(await get({ socketPath: join(place, 'a.sock'), path: '/framework/' })).toEqual({
      address: '203.0.113.7',
      url: 'https://shop.example',
      fields: null,
    });
  });

  it('by a load balancer, in the header of the PROXY protocol, is what the whole host knows', async () => {
    const answer = await raw(ports[3], `PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n${PROXIED}`);
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({
      address: '203.0.113.9',
      headers: { 'x-forwarded-for': '203.0.113.9' },
    });
    await host.logFile('access.log', /^203\.0\.113\.9 - - \[.*\] "GET \/plain\/proxied /m);
  });

  it('in such a header by anybody else cuts the connection, which is counted', async () => {
    expect(await raw(ports[4], `PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n${PROXIED}`)).toBe('');
    expect(await raw(ports[3], PROXIED)).toBe('');
    const metrics = await (await host.admin('/metrics')).text();
    expect(metrics).toContain('portico_refused_total{reason="proxy-protocol-sender"} 1');
    expect(metrics).toContain('portico_refused_total{reason="proxy-protocol-header"} 1');
  });

  it('decides whom the access log shows', async () => {
    const log = await host.logFile('access.log', /untrusted/);
    expect(log).toMatch(/^203\.0\.113\.7 - - \[.*\] "GET \/plain\/trusted /m);
    expect(log).toMatch(/^127\.0\.0\.1 - - \[.*\] "GET \/plain\/untrusted /m);
  });
});
