import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HostEvent } from '#host/log/event-log.js';
import { TestHost } from '#test/support/host.js';
import { until, WAIT_MS } from '#test/support/polling.js';

const echo = {
  'package.json': '{ "main": "app.js" }',
  'app.js': "module.exports = (q, r) => { q.resume(); q.on('end', () => r.end('all')); };",
};
const config = `
connectors:
  - host: 127.0.0.1
    limits:
      maxHeaderSize: 4KiB
      maxHeaderCount: 20
      maxTargetSize: 1KiB
      headerTimeout: 1500ms
      bodyIdleTimeout: 1500ms
      maxConnections: 6
      keepAliveTimeout: 300ms
      maxRequestsPerConnection: 3
applications: { limits: { body: 1KiB } }
`;
const head = (target: string, ...fields: string[]) =>
  `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;

/** What breaks each limit, the status of the answer, and the counter that must rise by one. */
const broken: readonly (readonly [what: string, bytes: string, status: number, reason: string])[] = [
  ['a header that is too large', head('/', `X: ${'a'.repeat(5000)}`), 431, 'header-too-large'],
  [
    'too many fields',
    head('/', ...Array.from({ length: 30 }, (_, i) => `X${i}: a`)),
    431,
    'too-many-headers',
  ],
  ['a target that is too long', head(`/${'a'.repeat(2000)}`), 414, 'target-too-long'],
  ['a head that does not end', 'GET / HTTP/1.1\r\nHos', 408, 'header-timeout'],
  [
    'a body that stops',
    'POST /echo/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab',
    408,
    'body-timeout',
  ],
  [
    'a body of a length beyond the limit of the application',
    'POST /echo/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n',
    413,
    'body-too-large',
  ],
  [
    'a chunked body beyond it',
    `POST /echo/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n${'x'.repeat(2000)}\r\n`,
    413,
    'body-too-large',
  ],
];

describe('limits of a connector', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({ apps: { echo }, config });
  });
  afterAll(async () => {
    await host.stop();
  });

  it.each(broken)('answer %s and count it; the next client is served', async (_, bytes, status, reason) => {
    const before = await refused(host, reason);
    expect(await statusLine(host.port, bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(await refused(host, reason)).toBe(before + 1);
    expect(await served(host)).toBe('all');
  });

  it.each([
    ['no further request comes in time', head('/echo/'), 'keep-alive-timeout'],
    ['nothing comes at all', '', 'no-request'],
    ['it has carried the allowed number of requests', head('/echo/').repeat(3), 'max-requests'],
  ])('close a connection when %s, and count it apart from refusals', async (_, bytes, reason) => {
    const before = await closed(host, reason);
    const { text } = await conversation(host.port, bytes);
    expect(text).not.toMatch(/^HTTP\/1\.1 4/m);
    expect(text.includes('Connection: close')).toBe(reason === 'max-requests');
    await until('it is counted', async () => ((await closed(host, reason)) > before ? true : undefined));
    expect(await served(host)).toBe('all');
  });

  it('of an application are events of it, and counted by it', async () => {
    const [, bytes = ''] = broken.at(-1) ?? [];
    expect(await statusLine(host.port, bytes)).toMatch(/ 413 /);
    const event = await until('the event', async () => {
      const response = await host.admin('/v1/events?application=echo');
      const { events } = (await response.json()) as { events: HostEvent[] };
      return events.find(({ event }) => event === 'body-limit');
    });
    expect(event).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(
        /^echo: \d+ requests? answered with 413, as the body was larger than limits\.body$/,
      ),
    });
    expect(await (await host.admin('/metrics')).text()).toMatch(
      /^portico_limited_requests_total\{application="echo",context="\/echo",reason="body-limit"\} [1-9]/m,
    );
  });

  it('leave a line in the access log for a request that nobody could read', async () => {
    await statusLine(host.port, 'GET /"forged\u001b HTTP/1.1\r\nHost: a\r\n\r\n');
    const log = await host.logFile('access.log', /forged/);
    expect(log).toMatch(/^127\.0\.0\.1 - - \[[^\]]+\] "GET \/\\x22forged\\x1B HTTP\/1\.1" 400 \d+ "-" "-"$/m);
    expect(log).toMatch(/^[\x20-\x7e\n]*$/);
  });

  it('answer 503 beyond the most connections and count it', async () => {
    const line = await until('a connection is too much', async () => {
      const idle = Array.from({ length: 6 }, () => connect(host.port, '127.0.0.1'));
      for (const socket of idle) socket.on('error', () => socket.destroy());
      const answer = await statusLine(host.port, head('/echo/'));
      for (const socket of idle) socket.destroy();
      return answer.includes(' 503 ') ? answer : undefined;
    });
    expect(line).toMatch(/^HTTP\/1\.1 503 /);
    expect(await refused(host, 'connection-limit')).toBeGreaterThan(0);
  });
});

/** What the application answers, on a new connection: a kept one may be closed by its limit just now. */
async function served(host: TestHost): Promise<string> {
  return await (await host.get('/echo/', { headers: { connection: 'close' } })).text();
}

/** First line of what comes back for these bytes; '' when the connection is cut without a word. */
function statusLine(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let text = '';
    socket.setTimeout(WAIT_MS, () => socket.destroy());
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\r\n')) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(text.split('\r\n', 1)[0] ?? ''));
  });
}

/** All that comes back for these bytes until the server closes. */
function conversation(port: number, bytes: string): Promise<{ readonly text: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let text = '';
    socket.setTimeout(WAIT_MS, () =>
      socket.destroy(new Error(`the server does not close; it said: ${text}`)),
    );
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve({ text }));
  });
}

const refused = (host: TestHost, reason: string) => counted(host, 'portico_refused_total', reason);
const closed = (host: TestHost, reason: string) => counted(host, 'portico_connections_closed_total', reason);

async function counted(host: TestHost, counter: string, reason: string): Promise<number> {
  const metrics = await (await host.admin('/metrics')).text();
  return Number(new RegExp(`^${counter}\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(metrics)?.[1] ?? 0);
}
