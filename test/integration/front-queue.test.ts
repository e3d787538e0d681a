import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import type { RouteTarget } from '#host/front/messages.js';
import { processTarget, routeOf, TestFront } from '#test/support/front.js';
import { listenTo, TestInstance } from '#test/support/instance.js';
import { until, WAIT_MS } from '#test/support/polling.js';

const owned: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of owned.splice(0)) await one.stop();
});

async function front(): Promise<TestFront> {
  const started = await TestFront.start();
  owned.push(started);
  return started;
}

async function instance(handler: (exchange: Exchange) => void): Promise<TestInstance> {
  const started = await TestInstance.start(handler);
  owned.push(started);
  return started;
}

function waiting(state: string, size = 10, timeoutMs = WAIT_MS): RouteTarget {
  const queue = { size, timeoutMs };
  return { kind: 'unavailable', state, reason: `It is ${state}.`, retryAfterSeconds: 2, queue };
}

/** Answers with what it was sent. */
function echo(exchange: Exchange): void {
  const chunks: Buffer[] = [];
  listenTo(exchange, {
    data: (chunk) => {
      chunks.push(Buffer.from(chunk));
      exchange.consumed(chunk.length);
    },
    end: () => exchange.respond(200, [], Buffer.concat(chunks)),
  });
}

describe('a context that starts or starts again', () => {
  it('lets requests with and without bodies wait, and gives all of them to the application', async () => {
    const shop = await front();
    await shop.route([routeOf('/app', waiting('starting'))]);
    const body = Buffer.alloc(1024 * 1024, 'b');
    const posted = shop.get('/app/', { method: 'POST', body });
    const got = shop.get('/app/');
    await shop.queues('/app', 2);
    await shop.route([routeOf('/app', waiting('restarting'))]);
    await shop.queues('/app', 2);
    const answering = await instance(echo);
    await shop.route([routeOf('/app', processTarget('app##1', [answering.address]))]);
    expect(Buffer.from(await (await posted).arrayBuffer()).equals(body)).toBe(true);
    expect((await got).status).toBe(200);
    await shop.queues('/app', 0);
  });

  it('sends away what does not fit, and counts it', async () => {
    const shop = await front();
    await shop.route([routeOf('/app', waiting('restarting', 1))]);
    const first = shop.get('/app/');
    await shop.queues('/app', 1);
    const second = await shop.get('/app/');
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await shop.limited('/app')).toEqual({ 'queue-full': 1 });
    await shop.route([
      routeOf('/app', { kind: 'unavailable', state: 'stopped', reason: 'Stopped.', retryAfterSeconds: 60 }),
    ]);
    expect((await first).headers.get('retry-after')).toBe('60');
  });

  it('answers 503 when the waiting is over', async () => {
    const shop = await front();
    await shop.route([routeOf('/app', waiting('starting', 10, 100))]);
    expect((await shop.get('/app/')).status).toBe(503);
  });

  it('forgets a client that goes away', async () => {
    const shop = await front();
    await shop.route([routeOf('/app', waiting('starting'))]);
    const abort = new AbortController();
    const left = shop.get('/app/', { signal: abort.signal });
    await shop.queues('/app', 1);
    abort.abort();
    await expect(left).rejects.toThrow();
    await shop.queues('/app', 0);
  });

  it('answers what waits when the front ends', async () => {
    const shop = await front();
    await shop.route([routeOf('/app', waiting('starting'))]);
    const answer = shop.get('/app/');
    await shop.queues('/app', 1);
    shop.send({ type: 'drain', deadlineMs: WAIT_MS });
    expect((await answer).status).toBe(503);
    expect(await shop.exited).toBe(0);
  });
});

describe('an application that has lost its only instance', () => {
  it('lets requests wait for the next one', async () => {
    const shop = await front();
    const queue = { size: 10, timeoutMs: WAIT_MS };
    const before = await TestInstance.start((exchange) => exchange.respond(200, [], 'before'));
    await shop.route([routeOf('/app', processTarget('app##1', [before.address], { queue }))]);
    expect(await shop.text('/app/')).toBe('before');
    await before.stop();
    // Until the front has noticed, a request may still be on its way to the instance that goes.
    await until('the front has noticed', async () => {
      const probe = new AbortController();
      const status = shop.get('/app/', { signal: probe.signal }).then(
        (answer) => answer.status,
        () => 0,
      );
      const isHeld = (await Promise.race([status, delay(200)])) === undefined;
      probe.abort();
      return isHeld;
    });
    await shop.queues('/app', 0);
    const answers = [shop.text('/app/'), shop.text('/app/')];
    await shop.queues('/app', 2);
    await shop.route([routeOf('/app', waiting('restarting'))]);
    await shop.queues('/app', 2);
    const after = await instance((exchange) => exchange.respond(200, [], 'after'));
    await shop.route([routeOf('/app', processTarget('app##1', [after.address], { queue }))]);
    expect(await Promise.all(answers)).toEqual(['after', 'after']);
    await until('nothing is in flight', async () => (await shop.countsOf('/app'))?.inFlight === 0);
  });
});
