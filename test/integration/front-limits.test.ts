import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import type { Exchange } from '#host/exchange/exchange.js';
import type { ContextRoute, RouteLimits } from '#host/front/messages.js';
import { processTarget, routeOf, TestFront } from '#test/support/front.js';
import { acceptWebSocket, TestInstance } from '#test/support/instance.js';
import { until, WAIT_MS } from '#test/support/polling.js';

const owned: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of owned.splice(0)) await one.stop();
});

/** An application that answers when it is told to, and what the front counted for it. */
class Shop {
  readonly front: TestFront;
  readonly pending: Exchange[];
  readonly #instance: TestInstance;
  readonly #limits: RouteLimits;

  private constructor(front: TestFront, instance: TestInstance, limits: RouteLimits, pending: Exchange[]) {
    this.front = front;
    this.#instance = instance;
    this.#limits = limits;
    this.pending = pending;
  }

  static async start(limits: RouteLimits): Promise<Shop> {
    const pending: Exchange[] = [];
    const instance = await TestInstance.start((exchange) => {
      if (exchange.head.upgrade !== undefined) acceptWebSocket(exchange);
      else if (exchange.head.path === '/large') exchange.respond(200, [], Buffer.alloc(40 * 1024));
      else pending.push(exchange);
    });
    const front = await TestFront.start();
    owned.push(front, instance);
    const shop = new Shop(front, instance, limits, pending);
    await front.route([shop.route('shop##1')]);
    return shop;
  }

  route(deployment: string, instance = this.#instance): ContextRoute {
    return routeOf('/shop', processTarget(deployment, [instance.address]), { limits: this.#limits });
  }

  async queues(count: number): Promise<void> {
    await this.front.queues('/shop', count);
  }

  limited(): Promise<Record<string, number>> {
    return this.front.limited('/shop');
  }

  /** Answers that are counted as errors of a version. */
  errors(): number {
    const all = this.front.reports.flatMap((one) =>
      one.type === 'counts' ? (one.counts.deployments ?? []) : [],
    );
    return all.reduce((sum, { errors }) => sum + errors, 0);
  }

  async next(): Promise<Exchange> {
    return await until('the application has a request', () => this.pending.shift());
  }
}

const queue = (size: number, timeoutMs = WAIT_MS) => ({ size, timeoutMs });

describe('an application that answers so many requests at a time', () => {
  it('gets no more, the others in their order, and what has no room 503', async () => {
    const shop = await Shop.start({ concurrency: 2, queue: queue(1) });
    const answers = [shop.front.text('/shop/1'), shop.front.text('/shop/2')];
    const [first, second] = [await shop.next(), await shop.next()];
    answers.push(shop.front.text('/shop/3'));
    await shop.queues(1);
    const refused = await shop.front.get('/shop/4');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect(shop.pending).toEqual([]);
    first.respond(200, [], 'one');
    const third = await shop.next();
    expect(third.head.path).toBe('/3');
    second.respond(200, [], 'two');
    third.respond(200, [], 'three');
    expect((await Promise.all(answers)).sort()).toEqual(['one', 'three', 'two']);
    await shop.queues(0);
    expect(await shop.limited()).toEqual({ 'concurrency-limit': 1 });
    // It is no fault of the version that it has much to do.
    expect(shop.errors()).toBe(0);
  });

  it('has room again when clients leave, whether they wait or not', async () => {
    const shop = await Shop.start({ concurrency: 1, queue: queue(5) });
    const aborts = [new AbortController(), new AbortController()];
    const left = aborts.map(async ({ signal }, index) => {
      if (index === 1) await shop.queues(0);
      return shop.front.get(`/shop/${index}`, { signal }).catch(() => 'gone');
    });
    await shop.next();
    await shop.queues(1);
    aborts[1]?.abort();
    await shop.queues(0);
    aborts[0]?.abort();
    expect(await Promise.all(left)).toEqual(['gone', 'gone']);
    const answer = shop.front.text('/shop/2');
    (await shop.next()).respond(200, [], 'served');
    expect(await answer).toBe('served');
  });

  it('answers 503 when the turn does not come in time', async () => {
    const shop = await Shop.start({ concurrency: 1, queue: queue(5, 100) });
    const first = shop.front.text('/shop/1');
    const exchange = await shop.next();
    expect((await shop.front.get('/shop/2')).status).toBe(503);
    exchange.respond(200, [], 'first');
    expect(await first).toBe('first');
    expect(await shop.limited()).toEqual({ 'queue-timeout': 1 });
  });

  it('counts a WebSocket as one while it is open', async () => {
    const shop = await Shop.start({ concurrency: 1, queue: queue(5) });
    const client = new WebSocket(shop.front.url('/shop/').replace('http', 'ws'));
    await once(client, 'open');
    const answer = shop.front.text('/shop/1');
    await shop.queues(1);
    client.terminate();
    (await shop.next()).respond(200, [], 'served');
    expect(await answer).toBe('served');
  });

  it('hands what waits on to the next deployment', async () => {
    const shop = await Shop.start({ concurrency: 1, queue: queue(5) });
    const first = shop.front.text('/shop/1');
    const exchange = await shop.next();
    const second = shop.front.text('/shop/2');
    await shop.queues(1);
    const newer = await TestInstance.start((one) => one.respond(200, [], `newer ${one.head.path}`));
    owned.push(newer);
    await shop.front.route([shop.route('shop##2', newer)]);
    expect(await second).toBe('newer /2');
    exchange.respond(200, [], 'older');
    expect(await first).toBe('older');
  });
});

describe('an application with an output rate', () => {
  it('sends no faster, and says so', async () => {
    const shop = await Shop.start({ queue: queue(5), outputBytesPerSecond: 100 * 1024 });
    const began = performance.now();
    const bodies = await Promise.all(
      [1, 2, 3].map(async () => (await shop.front.text('/shop/large')).length),
    );
    expect(bodies).toEqual([40 * 1024, 40 * 1024, 40 * 1024]);
    // The last of three leaves when the first two have been paid for.
    expect(performance.now() - began).toBeGreaterThan(400);
    expect((await shop.limited())['output-rate']).toBeGreaterThan(0);
  });
});
