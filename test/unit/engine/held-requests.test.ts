import { describe, expect, it } from '@jest/globals';
import { TestClient } from 'portico/testing';
import { HeldRequests, MAX_HELD_REQUESTS } from '#host/engine/reload/held-requests.js';
import type { Exchange } from '#host/exchange/exchange.js';

const answer = (exchange: Exchange): void => exchange.respond(200, [], exchange.head.path);

describe('HeldRequests', () => {
  it('answers in the order of arrival', async () => {
    const held = new HeldRequests();
    const client = new TestClient((exchange) => held.hold(exchange));
    const responses = ['/1', '/2', '/3'].map((path) => client.get(path));
    const order: string[] = [];
    held.release((exchange) => {
      order.push(exchange.head.path);
      answer(exchange);
    });
    expect(order).toEqual(['/1', '/2', '/3']);
    for (const response of responses) expect((await response).status).toBe(200);
  });

  it('refuses what is too much with 503', async () => {
    const held = new HeldRequests();
    const client = new TestClient((exchange) => held.hold(exchange));
    const kept = Array.from({ length: MAX_HELD_REQUESTS }, () => client.get('/kept'));
    const response = await client.get('/late');
    expect([response.status, response.header('Retry-After')]).toEqual([503, '1']);
    held.release(answer);
    await Promise.all(kept);
  });

  it('forgets a client that has gone', () => {
    const held = new HeldRequests();
    const client = new TestClient((exchange) => held.hold(exchange));
    const controller = new AbortController();
    client.get('/gone', { signal: controller.signal }).catch(() => undefined);
    controller.abort();
    held.release(() => {
      throw new Error('nobody is there');
    });
  });

  it('keeps a body for whoever takes it', async () => {
    const held = new HeldRequests();
    const client = new TestClient((exchange) => held.hold(exchange));
    const response = client.post('/', { body: Buffer.alloc(200_000, 'x') });
    await new Promise((resolve) => setImmediate(resolve));
    held.release((exchange) => {
      let length = 0;
      exchange.listen({
        data: (chunk) => {
          length += chunk.length;
          exchange.consumed(chunk.length);
        },
        end: () => exchange.respond(200, [], String(length)),
        drain: () => undefined,
        aborted: () => undefined,
      });
    });
    expect(await (await response).text()).toBe('200000');
  });
});
