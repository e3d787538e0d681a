import { createHash, type Hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import type { OutgoingExchange } from '#host/exchange/exchange-client.js';
import { FieldBlock } from '#host/http/field-block.js';
import { ConnectedEnds } from './connected-ends.js';
import { headOf } from './ends.js';
import { Recorder } from './recorder.js';

/** Echoes the body and its trailers; gives credit back only as the echo goes on. */
function echo(exchange: Exchange): void {
  const waiting: number[] = [];
  exchange.listen({
    data(chunk) {
      if (exchange.write(chunk)) exchange.consumed(chunk.length);
      else waiting.push(chunk.length);
    },
    end: (trailers) => exchange.end(trailers),
    drain() {
      for (const size of waiting.splice(0)) exchange.consumed(size);
    },
    aborted: () => undefined,
  });
  exchange.begin(200, []);
}

describe('bodies between a front and an instance', () => {
  let ends: ConnectedEnds;
  beforeAll(async () => {
    ends = await ConnectedEnds.open(echo);
  });
  afterAll(() => ends.close());

  /** Sends `total` bytes in chunks of the sizes given, obeying the flow control, and compares the echo. */
  const run = (total: number, sizeOf: (index: number) => number, consumeLater: boolean) => {
    const seen = new Recorder();
    const sent = createHash('sha256');
    const got = createHash('sha256');
    const exchange: OutgoingExchange = ends.client.open(
      headOf({ method: 'POST', bodyLength: -1 }),
      '/',
      seen,
    );
    seen.onData = (chunk) => {
      got.update(chunk);
      seen.chunks.length = 0;
      if (consumeLater) setImmediate(() => exchange.consumed(chunk.length));
      else exchange.consumed(chunk.length);
    };
    let position = 0;
    let index = 0;
    const pump = (): void => {
      while (position < total) {
        const size = Math.min(sizeOf(index), total - position);
        const chunk = Buffer.alloc(size, (position * 31 + index++) & 0xff);
        position += size;
        sent.update(chunk);
        if (!exchange.write(chunk)) return;
      }
      seen.onDrain = undefined;
      exchange.end(FieldBlock.of(['X-Sum', 'done']));
    };
    seen.onDrain = pump;
    pump();
    return { seen, sent, got };
  };

  const check = async ({ seen, sent, got }: { seen: Recorder; sent: Hash; got: Hash }, total: number) => {
    await seen.over();
    expect([seen.bytes, seen.trailers]).toEqual([total, ['X-Sum', 'done']]);
    expect(got.digest('hex')).toBe(sent.digest('hex'));
  };

  it('come through whole: 32 MiB, echoed', async () => {
    const total = 32 * 1024 * 1024;
    await check(
      run(total, (i) => 50_000 + ((i * 77_777) % 200_000), false),
      total,
    );
  });

  it('are kept apart: 60 of them at once, in chunks of all sizes, some readers late', async () => {
    const total = 400_000;
    const runs = Array.from({ length: 60 }, (_, n) =>
      run(total, (i) => 1 + ((i * 7919 + n * 104_729) % (n % 3 === 0 ? 300 : 40_000)), n % 2 === 0),
    );
    for (const one of runs) await check(one, total);
  });
});
