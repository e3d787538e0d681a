import { describe, expect, it } from '@jest/globals';
import { type RequestListener, USED_UP } from '#host/exchange/exchange.js';
import type { FieldBlock } from '#host/http/field-block.js';
import type { LimitReason } from '#host/runtime/mount.js';
import { QueueRuntime } from '#host/runtime/queue-runtime.js';
import { WaitingLine } from '#host/runtime/waiting-line.js';
import { MemoryExchange } from '#test/support/memory-exchange.js';
import { WAIT_MS } from '#test/support/polling.js';

function mounted() {
  const counted = { queued: 0, reasons: [] as LimitReason[] };
  const counters = {
    tunnels: 0,
    tooLargeBodies: 0,
    queue: (change: 1 | -1) => {
      counted.queued += change;
    },
    limit: (reason: LimitReason) => void counted.reasons.push(reason),
  };
  return { counted, mount: { path: '', maxBodyBytes: 0, counters } };
}

/** Writes down what it hears. */
class Recorder implements RequestListener {
  readonly heard: string[] = [];
  data(chunk: Buffer): void {
    this.heard.push(String(chunk));
  }
  end(_trailers: FieldBlock | undefined): void {
    this.heard.push('end');
  }
  drain(): void {
    this.heard.push('drain');
  }
  aborted(): void {
    this.heard.push('aborted');
  }
}

describe('a line of waiting requests', () => {
  it('keeps the order, takes no more than its size, and counts who waits', () => {
    const { counted, mount } = mounted();
    const line = new WaitingLine({ size: 2, timeoutMs: WAIT_MS }, () => undefined);
    expect(line.add(new MemoryExchange('/1'), mount, '/1')).toBe(true);
    expect(line.add(new MemoryExchange('/2'), mount, '/2')).toBe(true);
    expect(line.add(new MemoryExchange('/3'), mount, '/3')).toBe(false);
    expect(counted.queued).toBe(2);
    expect(line.shift()?.within).toBe('/1');
    expect(line.release().map(({ within }) => within)).toEqual(['/2']);
    expect([line.size, counted.queued]).toEqual([0, 0]);
  });

  it('lets go of a client that goes away', () => {
    const { counted, mount } = mounted();
    const line = new WaitingLine({ size: 1, timeoutMs: WAIT_MS }, () => undefined);
    const exchange = new MemoryExchange('/');
    line.add(exchange, mount, '/');
    exchange.leave();
    expect([line.size, counted.queued]).toEqual([0, 0]);
  });

  it('gives back what has waited too long, and nothing else', async () => {
    const { counted, mount } = mounted();
    const late: string[] = [];
    await new Promise<void>((resolve) => {
      const line = new WaitingLine({ size: 5, timeoutMs: 50 }, ({ within }) => {
        late.push(within);
        if (late.length === 2) resolve();
      });
      line.add(new MemoryExchange('/1'), mount, '/1');
      line.add(new MemoryExchange('/2'), mount, '/2');
      line.add(new MemoryExchange('/3'), mount, '/3');
      expect(line.shift()?.within).toBe('/1');
    });
    expect(late).toEqual(['/2', '/3']);
    expect(counted.reasons).toEqual(['queue-timeout', 'queue-timeout']);
  });

  it('counts the time from the arrival, whatever lines were waited in', async () => {
    const { mount } = mounted();
    const first = new WaitingLine({ size: 1, timeoutMs: WAIT_MS }, () => undefined);
    first.add(new MemoryExchange('/'), mount, '/');
    const [request] = first.release();
    await new Promise<void>((resolve, reject) => {
      if (request === undefined) return reject(new Error('nothing waited'));
      const second = new WaitingLine({ size: 1, timeoutMs: 100 }, ({ exchange }) => {
        expect(exchange).toBe(request.exchange);
        expect(performance.now() - request.exchange.since).toBeGreaterThan(90);
        resolve();
      });
      second.add(request.exchange, mount, '/');
    });
  });
});

describe('an exchange that waits', () => {
  it('keeps the body unconfirmed and gives it, in order, to whoever answers', async () => {
    const { mount } = mounted();
    const line = new WaitingLine({ size: 1, timeoutMs: WAIT_MS }, () => undefined);
    const exchange = new MemoryExchange('/', { method: 'POST', bodyLength: 6 });
    line.add(exchange, mount, '/');
    const lent = Buffer.from('ab');
    expect(exchange.listener?.data(lent)).toBe(USED_UP);
    lent.fill('x');
    exchange.listener?.data(Buffer.from('cd'));
    expect(exchange.consumedBytes).toBe(0);
    const recorder = new Recorder();
    line.shift()?.exchange.listen(recorder);
    expect(recorder.heard).toEqual([]);
    exchange.listener?.data(Buffer.from('ef'));
    exchange.listener?.end(undefined);
    await Promise.resolve();
    expect(recorder.heard).toEqual(['ab', 'cd', 'ef', 'end']);
    exchange.listener?.drain();
    exchange.leave();
    expect(recorder.heard.slice(4)).toEqual(['drain', 'aborted']);
  });

  it('lets the body go when it is answered by somebody who does not want it', () => {
    const { mount } = mounted();
    const runtime = new QueueRuntime(
      { reason: 'The application is starting.', retryAfterSeconds: 2 },
      { size: 1, timeoutMs: WAIT_MS },
      undefined,
    );
    const exchange = new MemoryExchange('/', { method: 'POST', bodyLength: 6 });
    runtime.handle(exchange, mount, '/');
    exchange.listener?.data(Buffer.from('abc'));
    expect(exchange.isBegun).toBe(false);
    runtime.giveUp();
    expect([exchange.status, exchange.field('retry-after'), exchange.consumedBytes]).toEqual([503, '2', 3]);
    exchange.listener?.data(Buffer.from('def'));
    expect(exchange.consumedBytes).toBe(6);
  });

  it('tells nobody of a client that went away before the rest was handed on', async () => {
    const { mount } = mounted();
    const line = new WaitingLine({ size: 1, timeoutMs: WAIT_MS }, () => undefined);
    const exchange = new MemoryExchange('/', { method: 'POST', bodyLength: 6 });
    line.add(exchange, mount, '/');
    exchange.listener?.data(Buffer.from('ab'));
    const recorder = new Recorder();
    line.shift()?.exchange.listen(recorder);
    exchange.leave();
    await Promise.resolve();
    expect(recorder.heard).toEqual(['aborted']);
  });
});

describe('a context that is about to answer', () => {
  it('wakes the application once, and sends away what has no room', () => {
    const { counted, mount } = mounted();
    let woken = 0;
    const unavailability = { reason: 'The application starts with the first request.', retryAfterSeconds: 1 };
    const runtime = new QueueRuntime(unavailability, { size: 1, timeoutMs: WAIT_MS }, () => {
      woken++;
    });
    const [first, second] = [new MemoryExchange('/1'), new MemoryExchange('/2')];
    runtime.handle(first, mount, '/1');
    runtime.handle(second, mount, '/2');
    expect([woken, first.isBegun, second.status]).toEqual([1, false, 503]);
    expect(counted.reasons).toEqual(['queue-full']);
    runtime.giveUp();
  });
});
