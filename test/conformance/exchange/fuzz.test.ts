import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bothEnds, type Session } from './ends.js';
import {
  frame,
  helloPayload,
  requestPayload,
  responsePayload,
  Type,
  trailersPayload,
  u32,
} from './raw-peer.js';

/**
 * Whatever a peer sends, an end notices that the peer leaves, tells each exchange its end at most once, and serves the next
 * connection. Anything thrown into the event loop would fail the run.
 */
const bytes = fc.uint8Array({ minLength: 1, maxLength: 400 }).map((some) => Buffer.from(some));

const payload = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  bytes,
  fc.constant(u32(1)),
  fc.integer({ min: 0, max: 10 }).map((reason) => Buffer.from([reason])),
  fc.constant(requestPayload({ method: 'POST', bits: 16 })),
  fc.constant(responsePayload(200, [['a', 'b']], 'body')),
  fc.constant(responsePayload(103, [['a', 'b']])),
  fc.constant(trailersPayload([['a', 'b']])),
);

/** Frames that are well-formed as such and about right: known types, low ids and generations. */
const plausible = fc
  .record({
    type: fc.oneof(
      {
        weight: 9,
        arbitrary: fc.constantFrom(...Object.values(Type).filter((type) => type >= Type.REQUEST)),
      },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
    ),
    flags: fc.constantFrom(0, 0, 0, 1, 2),
    generation: fc.constantFrom(0, 0, 0, 1, 255),
    id: fc.constantFrom(0, 0, 1, 2, 65_535),
    payload,
  })
  .map((made) => frame(made.type, made.flags, made.generation, made.id, made.payload));

/** A plausible frame with one byte changed. */
const damaged = fc
  .tuple(plausible, fc.nat(), fc.integer({ min: 0, max: 255 }))
  .map(([whole, where, byte]) => {
    const copy = Buffer.from(whole);
    copy[where % copy.length] = byte;
    return copy;
  });

const cases = fc.oneof(
  fc.array(plausible, { maxLength: 12 }),
  fc.array(fc.oneof(plausible, damaged), { maxLength: 12 }),
  fc.array(bytes, { maxLength: 4 }),
);

/** The peer leaves; whatever state the end is in, it must notice. */
async function leave({ peer }: Session): Promise<void> {
  peer.send(frame(Type.PING, 0, 0, 0, Buffer.alloc(8)));
  peer.socket.end();
  await peer.closed();
}

describe.each(bothEnds)('the $name', (end) => {
  it('stands whatever a peer sends in the handshake', async () => {
    const start = fc.oneof(
      bytes,
      fc.tuple(fc.nat(51), fc.integer({ min: 0, max: 255 })).map(([where, byte]) => {
        const hello = helloPayload(end.name === 'front' ? 2 : 1);
        hello[where] = byte;
        return frame(Type.HELLO, 0, 0, 0, hello);
      }),
    );
    await fc.assert(
      fc.asyncProperty(start, async (some) => {
        const session = await end.start();
        try {
          session.peer.send(some);
          await leave(session);
        } finally {
          await session.stop();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('stands whatever a peer sends afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(cases, fc.boolean(), async (pieces, isOneWrite) => {
        const session = await end.start();
        try {
          await session.shake();
          const x = await session.open();
          x.write(Buffer.alloc(300_000));
          if (isOneWrite) session.peer.send(...pieces);
          else for (const piece of pieces) session.peer.send(piece);
          await leave(session);
          x.abort(1);
          expect(session.activeExchanges()).toBe(0);
          const ends = x.seen.events.filter((event) => event === 'end' || event === 'aborted');
          expect(ends.length).toBeLessThanOrEqual(2);
          expect(x.seen.events.filter((event) => event === 'aborted').length).toBeLessThanOrEqual(1);
          expect(x.seen.events.indexOf('aborted')).toBe(x.seen.reason === 0 ? -1 : x.seen.events.length - 1);
        } finally {
          await session.stop();
        }
      }),
      { numRuns: 80 },
    );
  });

  it('serves the next peer after all that', async () => {
    const session = await end.start();
    session.peer.send(Buffer.alloc(100, 0xff));
    await session.peer.closed();
    expect(await session.isAlive()).toBe(true);
    await session.stop();
  });
});
