import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AbortReason } from '#host/exchange/exchange.js';
import { settle, until } from '#test/support/polling.js';
import { bothEnds, type OpenExchange, type Session } from './ends.js';
import { END, frame, Type, trailersPayload, u32, WINDOW_BYTES } from './raw-peer.js';

const NOTHING = Buffer.alloc(0);

/** What breaks the protocol for exchange `x`, which is open in both directions. */
const violations: [string, RegExp, (x: OpenExchange) => Buffer[]][] = [
  [
    'a payload above 128 KiB',
    /131073 bytes/,
    (x) => [frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(131_073))],
  ],
  ['a length of 16 MiB', /16777215 bytes/, () => [Buffer.from([255, 255, 255, Type.END, 0, 0, 0, 0])]],
  ['an unknown type', /0x20/, (x) => [frame(0x20, 0, x.generation, x.id)]],
  ['the type 0', /0x00/, () => [frame(0, 0, 0, 0)]],
  ['the last type before the ignorable range', /0x7f/, () => [frame(0x7f, 0, 0, 0)]],
  ['unknown flags on DATA', /flags 2/, (x) => [frame(Type.DATA, 2, x.generation, x.id, Buffer.alloc(1))]],
  ['flags on END', /flags 1/, (x) => [frame(Type.END, END, x.generation, x.id)]],
  ['flags on WINDOW', /flags 128/, (x) => [frame(Type.WINDOW, 128, x.generation, x.id, u32(1))]],
  ['DATA for an id never used', /not open/, () => [frame(Type.DATA, 0, 0, 777, Buffer.alloc(1))]],
  ['DATA for the highest id', /not open/, () => [frame(Type.DATA, 0, 0, 65_535, Buffer.alloc(1))]],
  [
    'DATA for another generation',
    /not open/,
    (x) => [frame(Type.DATA, 0, x.generation + 1, x.id, Buffer.alloc(1))],
  ],
  ['END for an id never used', /not open/, () => [frame(Type.END, 0, 0, 777)]],
  ['ABORT for an id never used', /not open/, () => [frame(Type.ABORT, 0, 0, 777, Buffer.from([1]))]],
  ['WINDOW for an id never used', /not open/, () => [frame(Type.WINDOW, 0, 0, 777, u32(1))]],
  [
    'WINDOW of a later generation',
    /not open/,
    (x) => [frame(Type.WINDOW, 0, x.generation + 1, x.id, u32(1))],
  ],
  ['empty DATA without END', /without bytes/, (x) => [frame(Type.DATA, 0, x.generation, x.id)]],
  ['ABORT without a reason', /reason/, (x) => [frame(Type.ABORT, 0, x.generation, x.id)]],
  ['ABORT with reason 0', /reason/, (x) => [frame(Type.ABORT, 0, x.generation, x.id, Buffer.from([0]))]],
  ['ABORT with reason 10', /reason/, (x) => [frame(Type.ABORT, 0, x.generation, x.id, Buffer.from([10]))]],
  ['ABORT with two bytes', /reason/, (x) => [frame(Type.ABORT, 0, x.generation, x.id, Buffer.from([1, 1]))]],
  ['WINDOW of 0', /credit/, (x) => [frame(Type.WINDOW, 0, x.generation, x.id, u32(0))]],
  ['WINDOW of three bytes', /credit/, (x) => [frame(Type.WINDOW, 0, x.generation, x.id, Buffer.alloc(3, 1))]],
  [
    'WINDOW for more than was sent',
    /more than was sent/,
    (x) => [frame(Type.WINDOW, 0, x.generation, x.id, u32(1))],
  ],
  [
    'WINDOW that would overflow',
    /more than was sent/,
    (x) => [frame(Type.WINDOW, 0, x.generation, x.id, u32(0xffff_ffff))],
  ],
  [
    'DATA beyond the window',
    /window has 0 bytes left/,
    (x) => [
      frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(131_072)),
      frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(131_072)),
      frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(1)),
    ],
  ],
  [
    'DATA after END',
    /after its end/,
    (x) => [frame(Type.END, 0, x.generation, x.id), frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(1))],
  ],
  [
    'DATA after DATA with END',
    /after its end/,
    (x) => [
      frame(Type.DATA, END, x.generation, x.id, Buffer.alloc(1)),
      frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(1)),
    ],
  ],
  [
    'END after END',
    /second end/,
    (x) => [frame(Type.END, 0, x.generation, x.id), frame(Type.END, 0, x.generation, x.id)],
  ],
  ['trailers of one byte', /1 bytes/, (x) => [frame(Type.END, 0, x.generation, x.id, Buffer.from([0]))]],
  [
    'trailers with the count 0',
    /0 trailer/,
    (x) => [frame(Type.END, 0, x.generation, x.id, Buffer.from([0, 0]))],
  ],
  [
    'more trailers than allowed',
    /1025 trailer/,
    (x) => [frame(Type.END, 0, x.generation, x.id, Buffer.concat([Buffer.from([4, 1]), Buffer.alloc(8000)]))],
  ],
  [
    'a field table beyond the frame',
    /table/,
    (x) => [frame(Type.END, 0, x.generation, x.id, Buffer.from([0, 9, 0, 1, 0, 1]))],
  ],
  [
    'a field beyond the frame',
    /beyond the end/,
    (x) => [frame(Type.END, 0, x.generation, x.id, Buffer.from([0, 1, 0, 1, 255, 255, 97, 98]))],
  ],
  [
    'a field without a name',
    /no name/,
    (x) => [frame(Type.END, 0, x.generation, x.id, trailersPayload([['', 'v']]))],
  ],
  [
    'a name that is no token',
    /no token/,
    (x) => [frame(Type.END, 0, x.generation, x.id, trailersPayload([['a b', 'v']]))],
  ],
  [
    'a line end in a value',
    /control byte/,
    (x) => [frame(Type.END, 0, x.generation, x.id, trailersPayload([['a', 'v\r\nSet-Cookie: x=1']]))],
  ],
  [
    'a NUL in a value',
    /control byte/,
    (x) => [frame(Type.END, 0, x.generation, x.id, trailersPayload([['a', 'v\0']]))],
  ],
  [
    'bytes behind the trailers',
    /behind/,
    (x) => [
      frame(
        Type.END,
        0,
        x.generation,
        x.id,
        Buffer.concat([trailersPayload([['a', 'v']]), Buffer.from('x')]),
      ),
    ],
  ],
  ['a connection frame with an id', /exchange id/, () => [frame(Type.PING, 0, 0, 5, Buffer.alloc(8))]],
  ['a connection frame with a generation', /exchange id/, () => [frame(Type.PING, 0, 1, 0, Buffer.alloc(8))]],
  ['PING of seven bytes', /PING/, () => [frame(Type.PING, 0, 0, 0, Buffer.alloc(7))]],
  ['a late PROOF', /PROOF/, () => [frame(Type.PROOF, 0, 0, 0, Buffer.alloc(32))]],
];

describe.each(bothEnds)('frames at the $name', (end) => {
  let session: Session;
  let x: OpenExchange;
  beforeEach(async () => {
    session = await end.start();
    await session.shake();
    x = await session.open();
  });
  afterEach(() => session.stop());

  it.each(violations)(
    '%s closes the connection, with the reason, and aborts its exchanges',
    async (_, message, make) => {
      session.peer.send(...make(x));
      const error = await session.peer.next(Type.ERROR);
      expect(error.payload.readUInt16BE(0)).toBe(3);
      expect(error.payload.toString('utf8', 2)).toMatch(message);
      await session.peer.closed();
      expect(x.seen.events.filter((event) => event === 'aborted')).toHaveLength(1);
      expect(x.seen.reason).toBe(AbortReason.PROTOCOL_ERROR);
      expect(session.activeExchanges()).toBe(0);
      expect(x.write(Buffer.from('late'))).toBe(false);
      expect(await session.isAlive()).toBe(true);
    },
  );

  it('hears an ERROR of the peer and takes no harm from its text', async () => {
    session.peer.send(frame(Type.ERROR, 0, 0, 0, Buffer.from('\0\x03bad\r\nforged log line\x1b[31m')));
    const reason = await session.ended();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that none gets through is the point
    expect(reason).not.toMatch(/[\r\n\x1b]/);
    await x.seen.until('aborted');
    expect(x.seen.reason).toBe(end.lostReason);
  });

  it('ignores unknown types of the reserved range, whole or cut', async () => {
    session.peer.send(frame(0x80, 255, 9, 65_535, Buffer.alloc(10)), frame(0xff, 0, 0, 0));
    session.peer.send(frame(0x90, 0, 0, 0, Buffer.alloc(131_072)));
    session.peer.send(frame(Type.DATA, 0, x.generation, x.id, Buffer.from('still here')));
    await until('data', () => x.seen.bytes === 10);
  });

  it('reads frames cut at every byte', async () => {
    const bytes = Buffer.concat([
      frame(Type.DATA, 0, x.generation, x.id, Buffer.from('one')),
      frame(Type.PING, 0, 0, 0, Buffer.from('abcdefgh')),
      frame(Type.DATA, 0, x.generation, x.id, Buffer.from('two')),
      frame(0x80, 0, 0, 0, Buffer.from('ignored')),
      frame(Type.END, 0, x.generation, x.id, trailersPayload([['Checksum', ' 42 ']])),
    ]);
    for (const byte of bytes) {
      session.peer.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await x.seen.until('end');
    expect(x.seen.body.toString()).toBe('onetwo');
    expect(x.seen.trailers).toEqual(['Checksum', '42']);
    expect((await session.peer.next(Type.PONG)).payload.toString()).toBe('abcdefgh');
  });

  it('takes DATA that ends the direction, also without bytes', async () => {
    session.peer.send(frame(Type.DATA, END, x.generation, x.id, NOTHING));
    await x.seen.until('end');
    expect(x.seen.bytes).toBe(0);
    const y = await session.open();
    session.peer.send(frame(Type.DATA, END, y.generation, y.id, Buffer.from('all')));
    await y.seen.until('end');
    expect(y.seen.body.toString()).toBe('all');
  });

  it('sends data, trailers and the end', async () => {
    expect(x.write(Buffer.from('hello'))).toBe(true);
    x.end(['Checksum', 'é']);
    const data = await session.peer.next(Type.DATA);
    expect([data.id, data.generation, data.payload.toString()]).toEqual([x.id, x.generation, 'hello']);
    expect((await session.peer.next(Type.END)).payload).toEqual(trailersPayload([['Checksum', 'é']]));
  });

  it('answers ABORT of an open exchange with ABORT, and nothing after it', async () => {
    session.peer.send(frame(Type.ABORT, 0, x.generation, x.id, Buffer.from([AbortReason.TIMEOUT])));
    expect((await session.peer.next()).type).toBe(Type.ABORT);
    expect(x.seen.reason).toBe(AbortReason.TIMEOUT);
    expect(x.write(Buffer.from('more'))).toBe(false);
    x.abort(AbortReason.CANCELLED);
    x.consumed(5);
    await settle();
    expect(session.peer.frames).toEqual([]);
    expect(session.activeExchanges()).toBe(0);
  });

  it('does not answer ABORT when its own direction has ended', async () => {
    x.end();
    await session.peer.next(Type.END);
    session.peer.send(frame(Type.ABORT, 0, x.generation, x.id, Buffer.from([AbortReason.CANCELLED])));
    await x.seen.until('aborted');
    await settle();
    expect(session.peer.frames).toEqual([]);
    expect(session.activeExchanges()).toBe(0);
  });

  it('drops what arrives between its ABORT and the last frame of the peer, in the bounds of the window', async () => {
    x.abort(AbortReason.CANCELLED);
    const abort = await session.peer.next();
    expect([abort.type, abort.payload[0]]).toEqual([Type.ABORT, AbortReason.CANCELLED]);
    session.peer.send(
      frame(Type.WINDOW, 0, x.generation, x.id, u32(10)),
      frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(100_000)),
      frame(Type.END, 0, x.generation, x.id),
    );
    await until('the end', () => session.activeExchanges() === 0);
    expect(x.seen.events.filter((event) => event !== 'response')).toEqual([]);
    expect(await session.isAlive()).toBe(true);
    // The id is used again by the next exchange, with the next generation.
    const y = await session.open();
    expect([y.id, y.generation]).toEqual([
      end.name === 'front' ? x.id : x.id + 1,
      end.name === 'front' ? 1 : 0,
    ]);
  });

  it('keeps the window of an aborted exchange', async () => {
    x.abort(AbortReason.CANCELLED);
    await session.peer.next(Type.ABORT);
    const full = frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(WINDOW_BYTES / 2));
    session.peer.send(full, full, frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(1)));
    expect((await session.peer.next(Type.ERROR)).payload.toString('utf8', 2)).toMatch(/window/);
  });

  it('tolerates WINDOW and ABORT that crossed the end, nothing else', async () => {
    x.end();
    await session.peer.next(Type.END);
    session.peer.send(
      frame(Type.END, 0, x.generation, x.id),
      frame(Type.WINDOW, 0, x.generation, x.id, u32(1000)),
      frame(Type.ABORT, 0, x.generation, x.id, Buffer.from([1])),
      frame(Type.PING, 0, 0, 0, Buffer.alloc(8)),
    );
    expect((await session.peer.next()).type).toBe(Type.PONG);
    session.peer.send(frame(Type.END, 0, x.generation, x.id));
    expect((await session.peer.next()).type).toBe(Type.ERROR);
  });

  it('tells the exchange when the peer dies in mid-body', async () => {
    session.peer.send(frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(1000)).subarray(0, 500));
    await until('data', () => x.seen.bytes === 492);
    session.peer.destroy();
    await x.seen.until('aborted');
    expect(x.seen.reason).toBe(end.lostReason);
    expect(x.seen.events.at(-1)).toBe('aborted');
    expect(session.activeExchanges()).toBe(0);
    await session.ended();
  });
});
