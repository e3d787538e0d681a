import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_CONNECTOR_LIMITS } from '#host/config/connector-limits.js';
import type { ContextRoute } from '#host/front/messages.js';
import { silentLog } from '#host/log/server-log.js';
import { FrontProcesses, type FrontProcessesOptions } from '#host/server/front-processes.js';
import { ListeningSocket } from '#host/server/listening-socket.js';
import { fixturesFolder } from '#test/support/paths.js';
import { isAlive, until, WAIT_MS } from '#test/support/polling.js';

let fronts: FrontProcesses | undefined;
let port = 0;

afterEach(async () => {
  fronts?.kill();
  await fronts?.drain(0);
  fronts = undefined;
});

async function make(options: Partial<FrontProcessesOptions> = {}): Promise<FrontProcesses> {
  const socket = await ListeningSocket.open('http', '127.0.0.1', 0);
  port = socket.port;
  fronts = new FrontProcesses({
    settings: { accessLog: undefined, retryAfterSeconds: 1, tunnelCloseMs: 100 },
    connectors: [{ socket, settings: { limits: DEFAULT_CONNECTOR_LIMITS } }],
    logger: silentLog(),
    frontPath: join(fixturesFolder, 'fronts/fixture-front.mjs'),
    ...options,
  });
  return fronts;
}

function route(path: string, version: string, application = 'shop'): ContextRoute {
  const target = { kind: 'static', deployment: `${application}##${version}`, folder: '/' } as const;
  return { context: path, path, application, version, target, maxBodyBytes: 0 };
}

async function get(path = '/'): Promise<{ pid: number; version: string | null }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
  return (await response.json()) as { pid: number; version: string | null };
}

/** Sends a request that has no answer. */
async function poke(path: string): Promise<void> {
  const client = connect(port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write(`GET ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`);
  await once(client, 'close');
}

describe('fronts', () => {
  it('answer by the mapping that was published, before and after the start', async () => {
    const set = await make({ count: 2 });
    await set.publish([route('', '1')], []);
    await set.start();
    expect(set.isListening).toBe(true);
    expect((await get()).version).toBe('1');
    await set.publish([route('', '2')], []);
    for (let request = 0; request < 10; request += 1) expect((await get()).version).toBe('2');
    await set.publish([], ['']);
    expect((await get()).version).toBeNull();
    expect(set.status().map(({ state }) => state)).toEqual(['running', 'running']);
  });

  it('are replaced when killed: the successor knows the mapping, and connections wait for it', async () => {
    const set = await make();
    await set.start();
    await set.publish([route('', '1')], []);
    const { pid } = await get();
    process.kill(pid, 'SIGKILL');
    await until('the front is gone', () => !isAlive(pid));
    const after = await get();
    expect(after.version).toBe('1');
    expect(after.pid).not.toBe(pid);
    expect(set.status()[0]).toMatchObject({ state: 'running', restarts: 1, pid: after.pid });
  });

  it('wait longer and longer when they end again and again', async () => {
    const set = await make();
    await set.start();
    const { pid } = await get();
    await set.publish([route('', '1', 'fixture-exit')], []);
    await until('a front waits', () => set.status()[0]?.state === 'waiting');
    expect(set.status()[0]?.restarts).toBeGreaterThanOrEqual(2);
    await set.publish([route('', '2')], []);
    await until('one is up', () => set.isListening);
    expect((await get()).version).toBe('2');
    expect(isAlive(pid)).toBe(false);
  });

  it('are replaced when they do not acknowledge, so that publishing never hangs', async () => {
    const set = await make({ ackTimeoutMs: 1000 });
    await set.start();
    const { pid } = await get();
    const published = set.publish([route('/x', '1', 'fixture-no-ack')], []);
    await published;
    expect(isAlive(pid)).toBe(false);
    await set.publish([route('', '2')], ['/x']);
    await until('one is up', () => set.isListening);
    expect((await get()).version).toBe('2');
  });

  it.each(['deaf', 'SIGSTOP'])('are replaced when silent (%s)', async (how) => {
    const set = await make({ hangTimeoutMs: 1000 });
    await set.start();
    const { pid } = await get();
    if (how === 'deaf') await get('/deaf');
    else process.kill(pid, 'SIGSTOP');
    await until('it is replaced', () => (set.status()[0]?.restarts ?? 0) >= 1 && set.isListening);
    expect((await get()).pid).not.toBe(pid);
    expect(isAlive(pid)).toBe(false);
  });

  it('fail the start when they cannot start', async () => {
    const set = await make({ frontPath: join(fixturesFolder, 'fronts/exiting-front.mjs') });
    await expect(set.start()).rejects.toMatchObject({ code: 'PORTICO_FRONT_START_FAILED' });
    expect(set.status()[0]?.state).toBe('stopped');
    await expect(get()).rejects.toThrow();
  });

  it('pass on what they notice about instances', async () => {
    const set = await make();
    const told: string[] = [];
    set.onInstanceLost((instance, reason) => told.push(`${instance} ${reason}`));
    set.onWanted((context) => told.push(context));
    await set.start();
    await get('/lost');
    await get('/wanted');
    await until('both have come', () => told.length === 2);
    expect(told).toEqual(['shop/1#1 ECONNRESET', '/lazy']);
  });
});

describe('idle deployments', () => {
  it('are known when the last exchange has ended on every front', async () => {
    const set = await make({ count: 2 });
    await set.start();
    await set.publish([route('/hold', '1')], []);
    expect(await set.whenIdle('shop##1', 50)).toBe(false);
    const response = await fetch(`http://127.0.0.1:${port}/hold`);
    await set.publish([route('/hold', '2')], []);
    expect(await set.whenIdle('shop##1', 100)).toBe(false);
    const idle = set.whenIdle('shop##1', WAIT_MS);
    await response.body?.cancel();
    expect(await idle).toBe(true);
    expect(await set.whenIdle('shop##1', 50)).toBe(true);
    expect(await set.whenIdle('never-seen', 50)).toBe(true);
  });

  it('are idle when the front that had them busy is gone', async () => {
    const set = await make();
    await set.start();
    await set.publish([route('/hold', '1')], []);
    const client = connect(port, '127.0.0.1');
    client.on('error', () => undefined);
    client.write('GET /hold HTTP/1.1\r\nHost: a.example\r\n\r\n');
    await once(client, 'data');
    await set.publish([], ['/hold']);
    const idle = set.whenIdle('shop##1', WAIT_MS);
    process.kill(set.status()[0]?.pid ?? -1, 'SIGKILL');
    expect(await idle).toBe(true);
  });
});

describe('counts', () => {
  it('add up over fronts and their successors, and end with the context', async () => {
    const set = await make();
    await set.start();
    await set.publish([route('', '1')], []);
    await get();
    await get();
    expect((await set.report()).contexts[0]).toMatchObject({
      context: '',
      application: 'shop',
      bytesOut: 20,
    });
    await poke('/exit');
    await get();
    const totals = await set.report();
    expect(totals.contexts[0]?.byClass[2]).toBe(3);
    expect(totals.contexts[0]?.latency[0]).toBe(3);
    // The front may have reported the connection in which it then exited.
    expect([3, 4]).toContain(totals.acceptedConnections);
    await set.publish([], ['']);
    expect((await set.report()).contexts).toEqual([]);
  });
});

describe('draining', () => {
  it('finishes what is in flight, refuses what is new, and leaves no process', async () => {
    const set = await make();
    await set.start();
    await set.publish([route('/hold', '1')], []);
    const pid = set.status()[0]?.pid ?? 0;
    const response = await fetch(`http://127.0.0.1:${port}/hold`);
    const drained = set.drain(WAIT_MS);
    await until('connections are refused', () =>
      get().then(
        () => false,
        () => true,
      ),
    );
    expect(isAlive(pid)).toBe(true);
    await response.body?.cancel();
    await drained;
    expect(isAlive(pid)).toBe(false);
  });

  it('kills at the deadline', async () => {
    const set = await make();
    await set.start();
    await set.publish([route('/hold', '1')], []);
    const pid = set.status()[0]?.pid ?? 0;
    const response = await fetch(`http://127.0.0.1:${port}/hold`);
    await set.drain(100);
    expect(isAlive(pid)).toBe(false);
    await expect(response.text()).rejects.toThrow();
  });
});
