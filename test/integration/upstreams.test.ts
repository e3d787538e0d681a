import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { TestHost } from '#test/support/host.js';
import { Http2Client } from '#test/support/http2/http2-client.js';
import { until } from '#test/support/polling.js';

/** A server elsewhere: it tells its name, and its health as the test wants it. */
class Elsewhere {
  readonly name: string;
  health = 200;
  port = 0;
  #server: Server | undefined;

  constructor(name: string) {
    this.name = name;
  }

  async start(): Promise<this> {
    const server = createServer((incoming, response) => {
      if (incoming.url === '/health') response.statusCode = this.health;
      let body = '';
      incoming.on('data', (chunk: Buffer) => {
        body += String(chunk);
      });
      incoming.on('end', () => response.end(`${this.name} ${incoming.method} ${body}`.trim()));
    });
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => socket.send(this.name));
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }
}

let host: TestHost;
let first: Elsewhere;
let second: Elsewhere;
beforeEach(async () => {
  first = await new Elsewhere('first').start();
  second = await new Elsewhere('second').start();
});
afterEach(async () => {
  await host.stop();
  await Promise.all([first.stop(), second.stop()]);
});

const HEALTH = ', servlet: { health: { path: /health, interval: 50ms, retries: 1, timeout: 2s } }';
const descriptor = (urls: readonly string[], more = ''): string =>
  `portico: { application: { upstream: [${urls.map((url) => `'${url}'`).join(', ')}] }${more} }\n`;
const HTTP2 = 'connectors: [{ name: http, port: 0, http2: { enabled: true } }]\n';
const start = async (urls: readonly string[], more = ''): Promise<void> => {
  host = await TestHost.start({ config: HTTP2, apps: { 'up.yaml': { '': descriptor(urls, more) } } });
};
const firstMessage = async (): Promise<string> => {
  const socket = new WebSocket(host.url('/up/').replace('http', 'ws'));
  try {
    return String((await once(socket, 'message'))[0]);
  } catch {
    return 'refused';
  } finally {
    socket.close();
  }
};
const running = () => host.untilApplication('up', ({ state }) => state === 'running');
const names = async (count: number): Promise<Set<string>> => {
  const texts = await Promise.all(Array.from({ length: count }, () => host.text('/up/')));
  return new Set(texts.map((text) => text.split(' ')[0] ?? ''));
};

describe('several upstreams', () => {
  it('share the requests, and stand in for one that cannot be reached', async () => {
    await start([first.url, second.url]);
    await running();
    expect(await names(8)).toEqual(new Set(['first', 'second']));
    await first.stop();
    for (let i = 0; i < 6; i++) expect(await host.text('/up/')).toBe('second GET');
    await until('a WebSocket finds the other one', async () => (await firstMessage()) === 'second');
    // Beyond the time in which the first one is left alone, requests of any method find the other one too.
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    for (let i = 0; i < 4; i++) {
      const response = await host.get('/up/', { method: 'DELETE' });
      expect([response.status, await response.text()]).toEqual([200, 'second DELETE']);
    }
    await second.stop();
    expect((await host.get('/up/')).status).toBe(502);
    await until('the operator is told of both, and why', async () => {
      const events = await (await host.admin('/v1/events?application=up')).text();
      return [first, second].every(({ url }) => events.includes(`to ${url} failed: connect ECONNREFUSED`));
    });
  });

  it('answer clients of HTTP/2', async () => {
    await start([first.url]);
    await running();
    const client = await Http2Client.open(host.port);
    try {
      const path = '/up/';
      const answers = await Promise.all([
        client.request({ ':path': path, te: 'trailers' }),
        client.request({ ':method': 'POST', ':path': path, 'content-length': 3 }, 'abc'),
        client.request({ ':method': 'PUT', ':path': path }, 'without a length'),
        client.request({ ':method': 'DELETE', ':path': path }, 'smuggled? GET / HTTP/1.1'),
        client.request({ ':method': 'HEAD', ':path': path }),
      ]);
      expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual([
        '200 first GET',
        '200 first POST abc',
        '200 first PUT without a length',
        '200 first DELETE smuggled? GET / HTTP/1.1',
        '200 ',
      ]);
      for (const { headers } of answers) {
        expect(
          Object.keys(headers).filter((name) => /^(connection|keep-alive|transfer-encoding)$/.test(name)),
        ).toEqual([]);
      }
    } finally {
      client.close();
    }
  });

  it('are asked for their health: only healthy ones get requests', async () => {
    await start([first.url, second.url], HEALTH);
    await running();
    await until('both are healthy', async () => (await names(8)).size === 2);
    first.health = 500;
    await until('the first is down', async () => {
      const { instances } = await running();
      return instances.some(({ instance, state }) => instance === first.url && state === 'waiting');
    });
    await until('it gets no requests', async () => !(await names(8)).has('first'));
    second.health = 500;
    const status = await host.untilApplication('up', ({ state }) => state === 'restarting');
    expect(status.reason).toContain('/health gave 500, not 200-399');
    expect((await host.get('/up/')).status).toBe(503);
    const events = await (await host.admin('/v1/events?application=up')).text();
    expect(events).toContain(`${second.url} is asked again in 50 ms`);
    first.health = 204;
    await running();
    await until('the first answers', async () => (await host.text('/up/')).startsWith('first'));
  });

  it('are taken when they come up late', async () => {
    const { url } = first;
    await first.stop();
    await start([url], HEALTH);
    await host.untilApplication('up', ({ state }) => state === 'restarting');
    await first.start();
    await running();
    await until('it answers', async () => (await host.text('/up/')) === 'first GET');
  });

  it('do not replace what works while none of them is healthy', async () => {
    await start([first.url], HEALTH);
    await running();
    second.health = 503;
    host.dropFile('up.yaml', descriptor([second.url], HEALTH));
    const status = await host.untilApplication('up', ({ pendingFailure }) => pendingFailure !== undefined);
    expect(status.pendingFailure).toContain('no upstream is healthy');
    expect(await host.text('/up/')).toBe('first GET');
  });

  it.each([
    [[], 'the list is empty'],
    [['http://a.example', 'http://a.example/'], 'stands twice'],
    [['http://a.example', 'ftp://a.example'], 'is not http or https'],
  ])('are refused when they are wrong: %j', async (urls, reason) => {
    await start(urls);
    const status = await host.untilApplication('up', ({ state }) => state === 'failed');
    expect(status.reason).toContain(reason);
  });
});
