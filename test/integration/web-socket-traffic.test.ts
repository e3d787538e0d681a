import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type WebSocket, WebSocketServer } from 'ws';
import { AgentProcess } from '#test/support/agent-process.js';
import { makeCertificate } from '#test/support/certificates.js';
import { processTarget, routeOf, TestFront } from '#test/support/front.js';
import { until } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';
import { setOf, TLS_DEFAULTS } from '#test/support/tls-connector.js';
import { binary, close, frame, Opcode, ping, pong, text } from '#test/support/web-socket/frame.js';
import { RawWebSocket, told } from '#test/support/web-socket/raw-web-socket.js';

const MiB = 1024 * 1024;
const MODULES = join(dirname(fileURLToPath(import.meta.url)), '../support/web-socket');

let folder: TemporaryFolder;
let front: TestFront;
const agents = new Map<string, AgentProcess>();
const clients: RawWebSocket[] = [];
const upstream = createServer();
let upstreamPort = 0;

beforeAll(async () => {
  folder = new TemporaryFolder();
  new WebSocketServer({ server: upstream, perMessageDeflate: true }).on('connection', (socket: WebSocket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  upstreamPort = (upstream.address() as AddressInfo).port;
  front = await startFront(await TestFront.start());
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await front.stop();
  await Promise.all([...agents.values()].map((agent) => agent.kill()));
  upstream.close();
  upstream.closeAllConnections();
  folder.remove();
});

/** Mounts the applications; those that run already are taken. */
async function startFront(made: TestFront): Promise<TestFront> {
  for (const name of ['traffic', 'impatient']) await route(made, name);
  const url = `http://127.0.0.1:${upstreamPort}`;
  await made.route([routeOf('/up', { kind: 'upstream', deployment: 'up@1', urls: [url], prefix: 'strip' })]);
  return made;
}

async function route(made: TestFront, name: string): Promise<void> {
  const address = { instance: `${name}@1/1#1`, socketPath: folder.at(`${name}.s`), secret: 'd4'.repeat(32) };
  if (!agents.has(name)) {
    const entry = { kind: 'modules' as const, modules: [`traffic-application.js#${name}`] };
    agents.set(name, new AgentProcess(MODULES, entry, { contextPath: `/${name}`, ...address }));
  }
  await agents.get(name)?.report('ready');
  await made.route([routeOf(`/${name}`, processTarget(`${name}@1`, [address]))]);
}

async function open(path: string, options = {}, port = front.port): Promise<RawWebSocket> {
  const client = await RawWebSocket.open(port, path, options);
  clients.push(client);
  return client;
}

interface State {
  readonly closes: readonly string[];
  readonly sentBytes: number;
  readonly open: number;
}

const state = async (): Promise<State> => JSON.parse(await front.text('/traffic/state')) as State;

const tunnels = async (): Promise<number> => {
  const { contexts } = await front.counts();
  return contexts.reduce((sum, one) => sum + one.tunnels, 0);
};

/** Resident memory of a process; 0 where the system does not tell it in a file. */
function residentBytes(pid: number | undefined): number {
  const file = `/proc/${pid}/status`;
  return existsSync(file) ? Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0) * 1024 : 0;
}

/** Waits until `value` has not changed for some looks. */
async function still(value: () => number | Promise<number>): Promise<number> {
  let last = -1;
  let same = 0;
  return await until('nothing moves any more', async () => {
    const now = await value();
    same = now === last ? same + 1 : 0;
    last = now;
    return same > 15 ? now + 1 : undefined;
  });
}

describe('WebSockets through the front', () => {
  it('holds the application up for a client that does not read, in bounded memory', async () => {
    const client = await open('/traffic/flood/64');
    const before = residentBytes(front.process.pid);
    client.socket.pause();
    const sent = await still(async () => (await state()).sentBytes);
    expect(sent).toBeLessThan(24 * MiB);
    expect(residentBytes(front.process.pid) - before).toBeLessThan(40 * MiB);
    client.socket.resume();
    const chunk = told('binary', Buffer.alloc(65_536, 'f'));
    expect(new Set(await client.take(1024))).toEqual(new Set([chunk]));
    expect(await client.next()).toBe('close 1000');
    client.send(close(1000));
    expect(await client.rest()).toEqual(['end']);
    expect(residentBytes(front.process.pid) - before).toBeLessThan(48 * MiB);
  });

  it('holds the client up for an application that does not read, in bounded memory', async () => {
    const client = await open('/traffic/sink');
    const before = residentBytes(front.process.pid);
    const message = binary(Buffer.alloc(64 * 1024, 's'));
    for (let i = 0; i < 1024; i++) client.send(message);
    const waiting = await still(() => client.socket.writableLength);
    expect(waiting).toBeGreaterThan(32 * MiB);
    expect(residentBytes(front.process.pid) - before).toBeLessThan(40 * MiB);
    await front.get('/traffic/read', { method: 'POST' });
    client.send(text('how much?'));
    expect(await client.next()).toBe(`text ${64 * MiB}`);
    client.send(close(1000));
    expect(await client.rest()).toEqual(['close 1000', 'end']);
  });

  it('keeps 1,000 that are idle, and each still answers', async () => {
    const idle: RawWebSocket[] = [];
    for (let i = 0; i < 1000; i += 50)
      idle.push(...(await Promise.all(Array.from({ length: 50 }, () => open('/traffic/echo')))));
    await until('all are counted', async () => (await tunnels()) === 1000);
    expect((await state()).open).toBe(1000);
    await Promise.all(
      idle.map(async (client, i) => {
        client.send(text(`${i}`));
        expect(await client.next()).toBe(`text ${i}`);
      }),
    );
    for (const client of idle) client.send(close(1000));
    for (const client of idle) {
      expect(await client.rest()).toEqual(['close 1000', 'end']);
      client.destroy();
    }
    await until('none is left', async () => (await tunnels()) === 0 && (await state()).open === 0);
  });

  it('tells the application of clients that leave without a word', async () => {
    const leave: readonly ((client: RawWebSocket) => void)[] = [
      (client) => client.socket.end(),
      (client) => client.socket.resetAndDestroy(),
      // In the middle of a frame.
      (client) => client.socket.end(text('never complete').subarray(0, 9)),
      (client) => {
        client.send(text('never complete', { fin: false }));
        client.socket.resetAndDestroy();
      },
    ];
    for (const one of leave) {
      const before = (await state()).closes.length;
      const client = await open('/traffic/echo');
      one(client);
      await until('the application knows', async () => (await state()).closes.length > before);
      expect((await state()).closes.at(-1)).toBe('1006 ');
      await until('nothing is left', async () => (await tunnels()) === 0);
      if (!client.socket.destroyed) expect((await client.rest()).at(-1)).toBe('end');
    }
  });

  it('carries the answer to a client that closes its direction behind the close frame', async () => {
    const client = await open('/traffic/echo');
    client.socket.end(Buffer.concat([text('last'), close(3001, 'done')]));
    expect((await client.rest()).slice(-2)).toEqual(['close 3001 done', 'end']);
    await until('the application knows', async () => (await state()).closes.at(-1) === '3001 done');
  });

  it('closes sessions of clients that answer no ping, and keeps those that do', async () => {
    const [deaf, alive] = [await open('/impatient/echo'), await open('/impatient/echo')];
    let isOver = false;
    const closed = deaf.rest().then((events) => {
      isOver = true;
      return events.filter((event) => event !== 'ping');
    });
    while (!isOver) {
      expect(await alive.next()).toBe('ping');
      alive.send(pong());
    }
    expect(await closed).toEqual(['close 1011 Ping timeout', 'end']);
    alive.send(close(1000));
    expect((await alive.rest()).filter((event) => event !== 'ping')).toEqual(['close 1000', 'end']);
  });

  it('answers a flood of pings, though not each, in bounded memory', async () => {
    const client = await open('/traffic/echo');
    const before = residentBytes(front.process.pid);
    client.socket.pause();
    const payload = Buffer.alloc(125, 'p');
    const flood = Buffer.concat(Array.from({ length: 100_000 }, () => ping(payload)));
    client.send(flood, ping('the last'), text('and now'));
    await still(() => client.socket.writableLength);
    client.socket.resume();
    const heard: string[] = [];
    while (!heard.includes('text and now') || !heard.includes('pong the last'))
      heard.push(await client.next());
    expect(residentBytes(front.process.pid) - before).toBeLessThan(48 * MiB);
    client.send(close(1000));
    expect((await client.rest()).at(-1)).toBe('end');
  });

  it('ends the connection when the instance dies', async () => {
    const client = await open('/impatient/echo');
    agents.get('impatient')?.child.kill('SIGKILL');
    expect((await client.rest()).at(-1)).toMatch(/^(end|cut)$/);
    await until('nothing is left', async () => (await tunnels()) === 0);
  });
});

describe.each(['/traffic/echo', '/up/echo'])('a WebSocket at %s', (path) => {
  const large = Buffer.alloc(3 * MiB, 'large');

  async function converse(client: RawWebSocket): Promise<void> {
    client.send(text('hello'));
    expect(await client.next()).toBe('text hello');
    client.send(binary(large));
    expect(await client.next()).toBe(told('binary', large));
    client.send(text('frag', { fin: false }), ping('between'), frame(Opcode.CONTINUATION, 'ments'));
    expect([await client.next(), await client.next()]).toEqual(['pong between', 'text fragments']);
    client.send(text(Buffer.from('eda080', 'hex')));
    expect(await client.rest()).toEqual(['close 1007', 'end']);
  }

  it('speaks in the clear', async () => {
    await converse(await open(path));
  });

  it('speaks over TLS', async () => {
    const certificate = makeCertificate({ names: ['localhost'] });
    const tls = { ...TLS_DEFAULTS, certificates: [setOf(['localhost'], [certificate], true)] };
    const secure = await startFrontFor(path, await TestFront.start({}, {}, undefined, [], { tls }));
    try {
      await converse(await open(path, { isSecure: true }, secure.port));
    } finally {
      await secure.stop();
    }
  });
});

/** The instance of the other application may be gone. */
async function startFrontFor(path: string, made: TestFront): Promise<TestFront> {
  if (path.startsWith('/traffic')) await route(made, 'traffic');
  const url = `http://127.0.0.1:${upstreamPort}`;
  await made.route([routeOf('/up', { kind: 'upstream', deployment: 'up@1', urls: [url], prefix: 'strip' })]);
  return made;
}
