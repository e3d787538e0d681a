import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '#test/support/polling.js';
import { OpenLoad, type Subject } from './open-load.js';

const SUBJECTS: readonly Subject[] = ['a', 'b'].map((name) => ({
  name,
  path: (number) => `/${name}/${number}`,
  answer: (number) => `/${name}/${number}`,
}));
const STALL_MS = 400;

describe('the open load', () => {
  let server: Server;
  let load: OpenLoad;
  /** What the server does with a request to `b`; false: nothing special. */
  let trouble: (url: string, socket: Socket) => 'status' | 'wrong' | 'cut' | false;

  beforeEach(async () => {
    trouble = () => false;
    server = createServer((request, response) => {
      const url = request.url ?? '';
      const now = url.startsWith('/b') && trouble(url, request.socket);
      if (now === 'cut') return void request.socket.destroy();
      if (now === 'status') response.statusCode = 503;
      response.end(now === 'wrong' ? '/b/0' : url);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    load = new OpenLoad(SUBJECTS, 50, (server.address() as AddressInfo).port);
  });
  afterEach(async () => {
    await load.stop();
    server.closeAllConnections();
    server.close();
  });

  const failed = () => load.outcomes.filter(({ failure }) => failure !== undefined);

  it('asks every subject equally often and counts right answers', async () => {
    load.start();
    await until('both were asked', () => load.outcomes.length >= 20);
    await load.stop();
    const asked = SUBJECTS.map(({ name }) => load.outcomes.filter(({ subject }) => subject === name).length);
    expect(Math.abs((asked[0] ?? 0) - (asked[1] ?? 0))).toBeLessThanOrEqual(1);
    expect(failed()).toEqual([]);
  });

  it.each([
    ['status', '503'],
    ['wrong', 'wrong answer'],
    ['cut', 'ECONNRESET'],
  ] as const)('counts an answer that is %s as failed, and nothing else', async (what, failure) => {
    trouble = () => what;
    load.phase = what;
    load.start();
    await until('some have failed', () => failed().length >= 5);
    expect(new Set(failed().map((outcome) => `${outcome.subject} ${outcome.failure}`))).toEqual(
      new Set([`b ${failure}`]),
    );
    expect(load.outcomes.every(({ phase }) => phase === what)).toBe(true);
  });

  it('sends a request again whose kept connection was closed under it', async () => {
    const kept = new WeakSet<Socket>();
    let closed = 0;
    trouble = (_url, socket) => {
      if (kept.has(socket) && closed++ < 3) return 'cut';
      kept.add(socket);
      return false;
    };
    load.start();
    await until(
      'all three are answered',
      () => load.outcomes.filter(({ isRepeated }) => isRepeated).length === 3,
    );
    expect(failed()).toEqual([]);
  });

  it('counts a standstill in every request that was due meanwhile', async () => {
    load.start();
    await until('it runs', () => load.outcomes.length >= 4);
    const from = performance.now();
    while (performance.now() - from < STALL_MS);
    const to = performance.now();
    await until('it goes on', () => load.outcomes.some(({ dueAt }) => dueAt > to));
    await load.stop();
    const stalled = load.outcomes.filter(({ dueAt }) => dueAt >= from && dueAt <= to);
    // 100 a second were due, and each has waited until the end of the standstill at least.
    expect(stalled.length).toBeGreaterThan(STALL_MS / 20);
    for (const { endedAt } of stalled) expect(endedAt).toBeGreaterThanOrEqual(to);
  });
});
