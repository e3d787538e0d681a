import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import type { Exchange, ExchangeHandler } from '#host/exchange/exchange.js';
import type { InstanceAddress, RouteTarget } from '#host/front/messages.js';
import { processTarget, routeOf, TestFront } from '#test/support/front.js';
import { listenTo, TestInstance } from '#test/support/instance.js';
import { repositoryFolder } from '#test/support/paths.js';
import { until, WAIT_MS } from '#test/support/polling.js';

let folder = '';
let front: TestFront;
const instances: TestInstance[] = [];
const children: ChildProcess[] = [];

async function startInstance(handler: ExchangeHandler): Promise<TestInstance> {
  const instance = await TestInstance.start(handler);
  instances.push(instance);
  return instance;
}

async function startKillable(name: string): Promise<{ child: ChildProcess; address: InstanceAddress }> {
  const address = { instance: name, socketPath: join(folder, name), secret: 'b2'.repeat(32) };
  const script = join(repositoryFolder, 'dist/test/support/killable-instance.js');
  const child = spawn(process.execPath, [script, address.socketPath, address.secret], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return { child, address };
}

const echo: ExchangeHandler = (exchange) => {
  const { method, path, query } = exchange.head;
  exchange.respond(200, [], `${method} ${path}${query === undefined ? '' : `?${query}`}`);
};

const named =
  (name: string): ExchangeHandler =>
  (exchange) =>
    exchange.respond(200, [], name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portico-f-'));
  front = await TestFront.start({
    accessLog: { format: 'json', folder, maxFileBytes: 1e6, keptFiles: 1 },
  });
});

afterAll(async () => {
  await front.stop();
  for (const instance of instances) await instance.stop();
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

describe('a front', () => {
  it('answers 404 while nothing is mounted', async () => {
    const answer = await front.get('/x');
    expect(answer.status).toBe(404);
    expect(await answer.text()).toBe('404 Not Found: No application is mounted here.\n');
  });

  it('keeps the context-path contract', async () => {
    const instance = await startInstance(echo);
    const site = join(folder, 'site');
    mkdirSync(site);
    writeFileSync(join(site, 'index.html'), 'the root');
    await front.route([
      routeOf('/shop', processTarget('shop##1', [instance.address])),
      routeOf('/shop/admin', processTarget('admin##1', [instance.address])),
      routeOf('/kept', processTarget('kept##1', [instance.address], { prefix: 'keep' })),
      routeOf('', { kind: 'static', deployment: 'ROOT##1', folder: site }),
    ]);
    expect(await front.text('/shop/')).toBe('GET /');
    expect(await front.text('/shop/cart?a=1')).toBe('GET /cart?a=1');
    expect(await front.text('/shop/admin/x')).toBe('GET /x');
    expect(await front.text('/shop/administrator')).toBe('GET /administrator');
    expect(await front.text('/kept/x')).toBe('GET /kept/x');
    expect(await front.text('/kept')).toBe('GET /kept');
    expect(await front.text('/')).toBe('the root');
    expect((await front.get('/shopping')).status).toBe(404);
  });

  it('redirects a browser from the context path to the one with a slash, and loses no body', async () => {
    const answer = await front.get('/shop?next=1');
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/shop/?next=1']);
    const post = await front.get('/shop?next=1', { method: 'POST', body: 'x' });
    expect(await post.text()).toBe('POST /?next=1');
    for (const evil of ['//evil.example/%2e%2e', '//shop', '/%5cshop', '/.//shop']) {
      const location = await rawLocation(evil);
      expect(location ?? '/').not.toMatch(/^[/\\]{2}/);
    }
  });

  it('answers 503 with Retry-After and the reason for a context that is not available, never ROOT', async () => {
    await front.route([
      routeOf('/down', {
        kind: 'unavailable',
        state: 'failed',
        reason: 'It failed: <b>no</b>.',
        retryAfterSeconds: 7,
      }),
    ]);
    for (const path of ['/down', '/down/x']) {
      const answer = await front.get(path, { headers: { accept: 'text/html' } });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7']);
      const page = await answer.text();
      expect(page).not.toContain('<b>');
      expect(page).toContain('It failed: ');
    }
  });

  it('lets the first requests of a lazy context wait until it has started', async () => {
    const unavailable = (state: string): RouteTarget => ({
      kind: 'unavailable',
      state,
      reason: `It is ${state}.`,
      retryAfterSeconds: 1,
      ...(state === 'lazy' || state === 'starting' ? { queue: { size: 10, timeoutMs: WAIT_MS } } : {}),
    });
    const instance = await startInstance(echo);
    await front.route([routeOf('/lazy', unavailable('lazy'))]);
    const wanted = front.report('wanted');
    const first = front.get('/lazy/1');
    expect((await wanted).context).toBe('/lazy');
    const posted = front.get('/lazy/0', { method: 'POST', body: 'x' });
    await front.route([routeOf('/lazy', unavailable('starting'))]);
    const second = front.get('/lazy/2');
    const bare = front.get('/lazy');
    const gone = new AbortController();
    const leaving = front.get('/lazy/3', { signal: gone.signal });
    await new Promise((resolve) => setTimeout(resolve, 50));
    gone.abort();
    await expect(leaving).rejects.toThrow();
    await front.route([routeOf('/lazy', processTarget('lazy##1', [instance.address]))]);
    expect(await (await first).text()).toBe('GET /1');
    expect(await (await posted).text()).toBe('POST /0');
    expect(await (await second).text()).toBe('GET /2');
    expect((await bare).headers.get('location')).toBe('/lazy/');
    expect(front.reports.filter((report) => report.type === 'wanted')).toHaveLength(1);

    await front.route([routeOf('/lazy', unavailable('lazy'))]);
    const failing = front.get('/lazy/');
    await front.report('wanted');
    await front.route([routeOf('/lazy', unavailable('failed'))]);
    expect((await failing).status).toBe(503);
  });

  it('streams a body through in both directions without keeping it', async () => {
    let most = 0;
    const instance = await startInstance((exchange) => {
      let unread = 0;
      exchange.begin(200, []);
      listenTo(exchange, {
        data: (chunk) => {
          unread += chunk.length;
          most = Math.max(most, unread);
          setImmediate(() => {
            unread -= chunk.length;
            exchange.write(chunk);
            exchange.consumed(chunk.length);
          });
        },
        end: () => setImmediate(() => exchange.end()),
      });
    });
    await front.route([
      routeOf('/stream', processTarget('stream##1', [instance.address]), { maxBodyBytes: 0 }),
    ]);
    const size = 32 * 1024 * 1024;
    const sent = createHash('sha256');
    const got = createHash('sha256');
    const answer = await new Promise<number>((resolve, reject) => {
      const outgoing = request(front.url('/stream/'), { method: 'POST' }, (incoming) => {
        let length = 0;
        incoming.on('data', (chunk: Buffer) => {
          length += chunk.length;
          got.update(chunk);
        });
        incoming.on('end', () => resolve(length));
        incoming.on('error', reject);
      });
      outgoing.on('error', reject);
      let left = size;
      const pump = (): void => {
        while (left > 0) {
          const chunk = Buffer.alloc(Math.min(left, 65_521), left % 251);
          left -= chunk.length;
          sent.update(chunk);
          if (!outgoing.write(chunk)) {
            outgoing.once('drain', pump);
            return;
          }
        }
        outgoing.end();
      };
      pump();
    });
    expect(answer).toBe(size);
    expect(got.digest('hex')).toBe(sent.digest('hex'));
    expect(most).toBeLessThanOrEqual(256 * 1024);
    expect(residentBytes(front)).toBeLessThan(200 * 1024 * 1024);
  });

  it('stops an application whose client does not read, and frees it when the client goes', async () => {
    let written = 0;
    let isAborted = false;
    const instance = await startInstance((exchange) => {
      const pump = (): void => {
        do written += 65_536;
        while (exchange.write(Buffer.alloc(65_536)));
      };
      listenTo(exchange, {
        drain: pump,
        aborted: () => {
          isAborted = true;
        },
      });
      exchange.begin(200, []);
      pump();
    });
    await front.route([routeOf('/endless', processTarget('endless##1', [instance.address]))]);
    const socket = connect(front.port, '127.0.0.1');
    socket.pause();
    socket.write('GET /endless/ HTTP/1.1\r\nHost: a\r\n\r\n');
    await settles(() => written);
    expect(written).toBeLessThan(16 * 1024 * 1024);
    socket.destroy();
    await until(() => isAborted);
  });

  it('answers 413 for a body beyond the limit of the context', async () => {
    await front.route([
      routeOf('/small', processTarget('shop##1', [(instances[0] as TestInstance).address]), {
        maxBodyBytes: 10,
      }),
    ]);
    const answer = await front.get('/small/', { method: 'POST', body: 'x'.repeat(11) });
    expect(answer.status).toBe(413);
    expect((await front.get('/small/', { method: 'POST', body: 'x'.repeat(10) })).status).toBe(200);
  });

  it('answers 504 when the application does not begin to answer', async () => {
    const instance = await startInstance((exchange) => listenTo(exchange, {}));
    await front.route([
      routeOf('/slow', processTarget('slow##1', [instance.address], { responseTimeoutMs: 300 })),
    ]);
    const started = performance.now();
    expect((await front.get('/slow/')).status).toBe(504);
    expect(performance.now() - started).toBeGreaterThan(290);
  });

  it('answers 502, truncates, then 503, when an instance is killed, and serves its successor', async () => {
    const { child, address } = await startKillable('k1');
    await front.route([routeOf('/kill', processTarget('kill##1', [address]))]);
    expect(await front.text('/kill/')).toMatch(/^pid/);
    const silent = front.get('/kill/silent');
    const begun = await front.get('/kill/begun');
    const lost = front.report('instance-lost', (report) => report.instance === 'k1');
    child.kill('SIGKILL');
    await expect(begun.text()).rejects.toThrow();
    expect((await silent).status).toBe(502);
    await lost;
    const later = await front.get('/kill/');
    expect([later.status, later.headers.get('retry-after')]).toEqual([503, '2']);
    const successor = await startKillable('k2');
    await front.route([routeOf('/kill', processTarget('kill##1', [successor.address]))]);
    expect(await front.text('/kill/')).toBe(`pid ${successor.child.pid}`);
    expect(await front.text('/shop/')).toBe('GET /');
  });

  it('swaps versions under load without a failed request, and reports the old one idle', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const seen = new Map<string, number>();
    let isOver = false;
    const worker = async (): Promise<void> => {
      while (!isOver) {
        const answer = await new Promise<string>((resolve, reject) => {
          request(front.url('/swap/x'), { agent }, (incoming) => {
            let text = '';
            incoming.on('data', (chunk) => {
              text += String(chunk);
            });
            incoming.on('end', () => resolve(`${incoming.statusCode} ${text.split(' ')[0]}`));
          })
            .on('error', reject)
            .end();
        });
        seen.set(answer, (seen.get(answer) ?? 0) + 1);
      }
    };
    let workers: Promise<void>[] = [];
    for (let version = 1; version <= 6; version++) {
      const instance = await startInstance((exchange) => setTimeout(() => named(`v${version}`)(exchange), 2));
      const idle =
        version > 1
          ? front.report('deployment-idle', (report) => report.deployment === `swap##${version - 1}`)
          : undefined;
      await front.route([routeOf('/swap', processTarget(`swap##${version}`, [instance.address]))]);
      await idle;
      if (version > 1) await (instances[instances.length - 2] as TestInstance).stop();
      if (version === 1) workers = Array.from({ length: 8 }, worker);
      await until(() => (seen.get(`200 v${version}`) ?? 0) > 20);
    }
    isOver = true;
    await Promise.all(workers);
    agent.destroy();
    expect([...seen.keys()].sort()).toEqual(['200 v1', '200 v2', '200 v3', '200 v4', '200 v5', '200 v6']);
  });

  it('carries WebSockets, and closes those of a replaced version with 1012, others not', async () => {
    const applicationGot: Buffer[] = [];
    const chat: ExchangeHandler = (exchange) => {
      acceptWebSocket(exchange);
      listenTo(exchange, {
        data: (chunk) => {
          applicationGot.push(chunk);
          exchange.consumed(chunk.length);
        },
        end: () => exchange.end(),
      });
      exchange.write(textFrame(`hello ${exchange.head.path}`));
    };
    const first = await startInstance(chat);
    const second = await startInstance(chat);
    await front.route([
      routeOf('/chat', processTarget('chat##1', [first.address])),
      routeOf('/other', processTarget('other##1', [second.address])),
    ]);
    const client = new WebSocket(front.url('/chat/room').replace('http', 'ws'));
    const other = new WebSocket(front.url('/other/room').replace('http', 'ws'));
    const [[greeting]] = await Promise.all([once(client, 'message'), once(other, 'message')]);
    expect(String(greeting)).toBe('hello /room');
    client.send('from the client');
    await until(() => applicationGot.length > 0);
    await front.counts();
    // Told once, with whichever report came first.
    const told = front.reports.flatMap((report) => (report.type === 'counts' ? report.counts.contexts : []));
    expect(told.find(({ context, tunnels }) => context === '/chat' && tunnels === 1)).toBeDefined();

    const closed = once(client, 'close');
    const idle = front.report('deployment-idle', (report) => report.deployment === 'chat##1');
    await front.route([routeOf('/chat', processTarget('chat##2', [second.address]))]);
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([1012, 'the application is restarting']);
    await idle;
    expect(other.readyState).toBe(WebSocket.OPEN);
    other.terminate();
  });

  it('counts by context and writes one line of the access log for each request', async () => {
    await front.counts();
    await front.text('/shop/counted?secret="\n');
    await front.get('/down/');
    const { contexts } = await front.counts();
    const shop = contexts.find(({ context }) => context === '/shop');
    expect(shop).toMatchObject({ application: 'shop', inFlight: 0, tunnels: 0 });
    expect(shop?.byClass).toEqual([0, 0, 1, 0, 0, 0]);
    expect(contexts.find(({ context }) => context === '/down')?.byClass[5]).toBe(1);
    await until(() => readFileSync(join(folder, 'access.log'), 'utf8').includes('"/down/"'));
    const lines = readFileSync(join(folder, 'access.log'), 'utf8').trim().split('\n');
    const counted = lines
      .map((line) => JSON.parse(line))
      .filter(({ target }) => target.startsWith('/shop/counted'));
    expect(counted).toHaveLength(1);
    expect(counted[0]).toMatchObject({ method: 'GET', status: 200, context: '/shop', application: 'shop' });
  });

  it('forgets a removed context', async () => {
    await front.route([], ['/down', '/kept']);
    expect((await front.get('/down/')).status).toBe(404);
    expect(await front.text('/shop/')).toBe('GET /');
  });

  it('never wrote an error', () => {
    expect(front.errors).toBe('');
  });
});

async function rawLocation(target: string): Promise<string | undefined> {
  const socket = connect(front.port, '127.0.0.1');
  socket.end(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  expect(text).toMatch(/^HTTP\/1\.1 /);
  return /^location: (.*)$/im.exec(text)?.[1];
}

function acceptWebSocket(exchange: Exchange): void {
  const key = exchange.head.fields.get('sec-websocket-key') ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  exchange.begin(101, ['upgrade', 'websocket', 'sec-websocket-accept', accept]);
}

function textFrame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
}

function residentBytes(of: TestFront): number {
  const status = readFileSync(`/proc/${of.process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

/** Waits until a number above 0 has not changed for a while. */
async function settles(value: () => number): Promise<void> {
  let last = -1;
  let since = Date.now();
  await until(() => {
    if (value() !== last) {
      last = value();
      since = Date.now();
    }
    return last > 0 && Date.now() - since > 300;
  });
}
