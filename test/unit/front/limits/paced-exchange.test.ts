import { describe, expect, it } from '@jest/globals';
import { AbortReason, type RequestListener } from '#host/exchange/exchange.js';
import { OutputBudget } from '#host/front/limits/output-budget.js';
import { PacedExchange } from '#host/front/limits/paced-exchange.js';
import { MemoryExchange } from '#test/support/memory-exchange.js';
import { until } from '#test/support/polling.js';

const KIB = 1024;

function paced(bytesPerSecond: number) {
  const inner = new MemoryExchange('/');
  const budget = new OutputBudget(bytesPerSecond);
  const seen = { held: 0, drains: 0, aborts: 0 };
  const exchange = new PacedExchange(inner, budget, () => {
    seen.held++;
  });
  const listener: RequestListener = {
    data: () => undefined,
    end: () => undefined,
    drain: () => {
      seen.drains++;
    },
    aborted: () => {
      seen.aborts++;
    },
  };
  exchange.listen(listener);
  return { inner, budget, exchange, seen };
}

describe('an exchange with an output rate', () => {
  it('sends at once what there is room for', () => {
    const { inner, exchange, seen } = paced(100 * KIB);
    exchange.respond(200, [], 'short');
    expect([inner.body, inner.isEnded, seen.held]).toEqual(['short', true, 0]);
  });

  it('keeps the order and takes as long as the rate says', async () => {
    const { inner, exchange, seen } = paced(100 * KIB);
    const began = performance.now();
    exchange.begin(200, []);
    const sent: Buffer[] = [];
    for (let i = 0; i < 10; i++) {
      sent.push(Buffer.alloc(5 * KIB, 97 + i));
      exchange.write(sent[i] as Buffer);
    }
    exchange.end();
    expect([exchange.isEnded, inner.isEnded, seen.held]).toEqual([true, false, 1]);
    await inner.done;
    // 50 KiB: 10 of them were saved up, and the last chunk begins before there is room for all of it.
    expect(performance.now() - began).toBeGreaterThan(300);
    expect(Buffer.concat(inner.chunks).equals(Buffer.concat(sent))).toBe(true);
  });

  it('tells the handler when it may go on', async () => {
    const { exchange, seen } = paced(100 * KIB);
    exchange.begin(200, []);
    expect(exchange.write(Buffer.alloc(15 * KIB))).toBe(true);
    expect(exchange.write(Buffer.alloc(KIB))).toBe(false);
    await until('it may go on', () => seen.drains === 1);
    expect(exchange.isEnded).toBe(false);
    exchange.abort(AbortReason.CANCELLED);
  });

  it('waits for a client that reads slowly as well', async () => {
    const { inner, exchange, seen } = paced(1000 * KIB);
    inner.room = 1;
    exchange.begin(200, []);
    expect(exchange.write(Buffer.alloc(200 * KIB))).toBe(false);
    exchange.write(Buffer.alloc(KIB));
    expect(inner.chunks).toHaveLength(1);
    inner.room = 10;
    inner.listener?.drain();
    await until('all is sent', () => inner.chunks.length === 2);
    expect(seen.drains).toBe(1);
    exchange.abort(AbortReason.CANCELLED);
  });

  it('shares the rate among all, in turns', async () => {
    const { inner, budget, exchange } = paced(100 * KIB);
    const other = new MemoryExchange('/');
    const second = new PacedExchange(other, budget, () => undefined);
    exchange.begin(200, []);
    second.begin(200, []);
    exchange.write(Buffer.alloc(20 * KIB));
    for (let i = 0; i < 4; i++) {
      exchange.write(Buffer.alloc(5 * KIB));
      second.write(Buffer.alloc(5 * KIB));
    }
    exchange.end();
    second.end();
    await other.done;
    expect(inner.chunks.length).toBeGreaterThanOrEqual(3);
    await inner.done;
  });

  it('delays a whole response, and drops it when the client has gone', async () => {
    const { inner, exchange, seen } = paced(100 * KIB);
    const { inner: other, exchange: second } = (() => {
      const inner = new MemoryExchange('/');
      const budget = new OutputBudget(10 * KIB);
      budget.spend(1024 * KIB);
      return { inner, exchange: new PacedExchange(inner, budget, () => undefined) };
    })();
    second.respond(200, [], 'x');
    expect([second.isBegun, second.isEnded, other.isBegun]).toEqual([true, true, false]);
    other.leave();
    expect(other.chunks).toEqual([]);
    exchange.begin(200, []);
    exchange.write(Buffer.alloc(15 * KIB));
    exchange.write(Buffer.alloc(KIB));
    inner.leave();
    expect(seen.aborts).toBe(1);
    expect(inner.chunks).toHaveLength(1);
  });
});
