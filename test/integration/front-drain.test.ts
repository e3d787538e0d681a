import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import type { Exchange } from '#host/exchange/exchange.js';
import { processTarget, routeOf, TestFront } from '#test/support/front.js';
import { acceptWebSocket, TestInstance } from '#test/support/instance.js';
import { until, WAIT_MS } from '#test/support/polling.js';

const owned: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of owned.splice(0)) await one.stop();
});

async function start(handler: (exchange: Exchange) => void): Promise<TestFront> {
  const instance = await TestInstance.start(handler);
  const front = await TestFront.start();
  owned.push(front, instance);
  await front.route([routeOf('/app', processTarget('app##1', [instance.address]))]);
  return front;
}

describe('a front that drains', () => {
  it('finishes what is in flight, takes nothing new, and exits with 0', async () => {
    let pending: Exchange | undefined;
    const front = await start((exchange) => {
      pending = exchange;
    });
    const answer = front.get('/app/');
    const exchange = await until('the request is there', () => pending);
    const drained = front.report('drained');
    front.send({ type: 'drain', deadlineMs: WAIT_MS });
    // Whoever holds the socket keeps it open; here nobody else does.
    front.socket.close();
    await refuses(front.port);
    exchange.respond(200, [], 'finished');
    const response = await answer;
    expect(await response.text()).toBe('finished');
    expect(response.headers.get('connection')).toBe('close');
    await drained;
    expect(await front.exited).toBe(0);
    expect(front.errors).toBe('');
  });

  it('closes WebSockets with 1001', async () => {
    const front = await start(acceptWebSocket);
    const client = new WebSocket(front.url('/app/').replace('http', 'ws'));
    await once(client, 'open');
    const closed = once(client, 'close');
    front.send({ type: 'drain', deadlineMs: WAIT_MS });
    expect((await closed)[0]).toBe(1001);
    expect(await front.exited).toBe(0);
  });

  it('cuts at the deadline what does not end', async () => {
    const front = await start((exchange) => exchange.begin(200, []));
    const response = await front.get('/app/');
    const started = performance.now();
    front.send({ type: 'drain', deadlineMs: 300 });
    await expect(response.text()).rejects.toThrow();
    expect(await front.exited).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(290);
  });

  it('leaves connections waiting for its successor', async () => {
    const first = await TestFront.start();
    await first.kill();
    const early = first.get('/');
    const successor = await TestFront.start({}, {}, first.socket);
    owned.push(successor);
    expect((await early).status).toBe(404);
  });

  it('ends by itself when the server is gone', async () => {
    const front = await start((exchange) => exchange.respond(200, [], 'x'));
    expect(await front.text('/app/')).toBe('x');
    front.process.disconnect();
    expect(await front.exited).toBe(0);
  });
});

async function refuses(port: number): Promise<void> {
  await until('connections are refused', async () => {
    const socket = connect(port, '127.0.0.1');
    const isRefused = await new Promise<boolean>((resolve) => {
      socket.on('connect', () => resolve(false));
      socket.on('error', () => resolve(true));
    });
    socket.destroy();
    return isRefused;
  });
}
