import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AbortReason } from '#host/exchange/exchange.js';
import { settle, until } from '#test/support/polling.js';
import { bothEnds, type OpenExchange, type Session } from './ends.js';
import { frame, type RawPeer, Type, u32, WINDOW_BYTES } from './raw-peer.js';

/** Bytes of DATA that the raw peer has received. */
function received(peer: RawPeer): number {
  return peer.frames.reduce((sum, { type, payload }) => sum + (type === Type.DATA ? payload.length : 0), 0);
}

describe.each(bothEnds)('flow control at the $name', (end) => {
  let session: Session;
  let x: OpenExchange;
  beforeEach(async () => {
    session = await end.start();
    await session.shake();
    x = await session.open();
  });
  afterEach(() => session.stop());

  it('sends one window and goes on with the credit it gets', async () => {
    const body = Buffer.alloc(WINDOW_BYTES + 100_000, 'abcdefghijklmnop');
    expect(x.write(body)).toBe(false);
    x.end();
    await until('the window', () => received(session.peer) === WINDOW_BYTES);
    await settle();
    expect(received(session.peer)).toBe(WINDOW_BYTES);
    const hasEnded = (): boolean =>
      session.peer.frames.some(({ type, flags }) => type === Type.END || (type === Type.DATA && flags === 1));
    expect(hasEnded()).toBe(false);
    session.peer.send(frame(Type.WINDOW, 0, x.generation, x.id, u32(60_000)));
    await until('the rest', () => received(session.peer) === WINDOW_BYTES + 60_000);
    session.peer.send(frame(Type.WINDOW, 0, x.generation, x.id, u32(60_000)));
    await until('the end', hasEnded);
    const parts = session.peer.frames.filter(({ type }) => type === Type.DATA).map(({ payload }) => payload);
    expect(Buffer.concat(parts).equals(body)).toBe(true);
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(131_072);
  });

  it('says drain when there is room again, and never inside write', async () => {
    expect(x.write(Buffer.alloc(WINDOW_BYTES))).toBe(false);
    await until('the window', () => received(session.peer) === WINDOW_BYTES);
    expect(x.seen.drains).toBe(0);
    session.peer.send(frame(Type.WINDOW, 0, x.generation, x.id, u32(1)));
    await until('drain', () => x.seen.drains === 1);
    expect(x.write(Buffer.alloc(1))).toBe(false);
    expect(x.seen.drains).toBe(1);
  });

  it('returns credit when half the window was consumed', async () => {
    session.peer.send(frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(131_072)));
    await until('data', () => x.seen.bytes === 131_072);
    x.consumed(131_071);
    await settle();
    expect(session.peer.frames).toEqual([]);
    x.consumed(1);
    expect((await session.peer.next(Type.WINDOW)).payload).toEqual(u32(131_072));
    expect(() => x.consumed(1)).toThrow(expect.objectContaining({ code: 'PORTICO_EXCHANGE_STATE' }));
  });

  it('carries an unlimited body both ways when credit flows', async () => {
    const total = 20 * WINDOW_BYTES;
    x.seen.onData = (chunk) => x.consumed(chunk.length);
    let toSend = total;
    let credit = WINDOW_BYTES;
    while (toSend > 0) {
      while (credit > 0 && toSend > 0) {
        const size = Math.min(credit, toSend, 100_000);
        session.peer.send(frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(size)));
        credit -= size;
        toSend -= size;
      }
      if (toSend > 0) credit += (await session.peer.next(Type.WINDOW)).payload.readUInt32BE(0);
    }
    await until('all', () => x.seen.bytes === total);
  });

  it('gives each exchange a window of its own', async () => {
    const y = await session.open();
    expect(x.write(Buffer.alloc(WINDOW_BYTES))).toBe(false);
    expect(y.write(Buffer.from('not held up'))).toBe(true);
    await until('y', () => session.peer.frames.some(({ id, type }) => id === y.id && type === Type.DATA));
  });

  it('sends the frames of one turn in few writes', async () => {
    const others = await Promise.all(Array.from({ length: 20 }, () => session.open()));
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    const writes = countWrites();
    const big = Buffer.alloc(40_000);
    for (const other of others) other.write(Buffer.from('small'));
    x.write(big);
    for (const other of others) other.end();
    clock.mockRestore();
    await until('all', () => session.peer.frames.filter(({ type }) => type === Type.END).length === 20);
    expect(received(session.peer)).toBe(20 * 5 + big.length);
    // 41 frames, 16 at once; the large one does not wait.
    expect(writes.stop()).toBe(4);
  });

  it('sends frames within a turn that takes long', async () => {
    const start = performance.now();
    const clock = jest.spyOn(performance, 'now').mockReturnValue(start);
    const writes = countWrites();
    x.write(Buffer.from('first'));
    x.write(Buffer.from('second'));
    expect(writes.count).toBe(0);
    clock.mockReturnValue(start + 5);
    x.write(Buffer.from('third'));
    expect(writes.count).toBe(1);
    x.write(Buffer.from('fourth'));
    clock.mockRestore();
    await until('all', () => received(session.peer) === 22);
    expect(writes.stop()).toBe(2);
  });

  it('holds memory bounded while the peer reads nothing: 100 exchanges, each written until told to stop', async () => {
    const all = [x];
    while (all.length < 100) all.push(await session.open());
    session.peer.socket.pause();
    const chunk = 64 * 1024;
    let written = 0;
    const before = process.memoryUsage();
    for (let round = 0; round < 100; round++) {
      for (const one of all) {
        // A good citizen: writes only after it was told that it may.
        if (round === 0 || one.seen.drains >= round) {
          one.write(Buffer.alloc(chunk, 1));
          written += chunk;
        }
      }
      await settle(1);
    }
    const after = process.memoryUsage();
    // 1 MiB waits for the socket, each exchange holds the chunk it could not send, the kernel has some.
    expect(written).toBeLessThan(100 * chunk + 8 * 1024 * 1024);
    expect(after.arrayBuffers + after.external - before.arrayBuffers - before.external).toBeLessThan(
      40 * 1024 * 1024,
    );
    session.peer.socket.resume();
    await until('everything', () => received(session.peer) === written);
  });

  it('does not pile up answers to a peer that pings and never reads', async () => {
    session.peer.socket.pause();
    const pings = Buffer.concat(
      Array.from({ length: 4096 }, () => frame(Type.PING, 0, 0, 0, Buffer.alloc(8))),
    );
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 200; i++) {
      session.peer.send(pings);
      await settle(1);
    }
    // 200 × 64 KiB were asked; 1 MiB and the kernel's buffer may be answered.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(
      10 * 1024 * 1024 + session.peer.socket.writableLength,
    );
  });

  it('lets go of the memory for large bodies when none has come for a while: its socket is made to read', async () => {
    x.seen.onData = (chunk) => x.consumed(chunk.length);
    session.peer.send(frame(Type.DATA, 0, x.generation, x.id, Buffer.alloc(131_072)));
    await session.peer.next(Type.WINDOW);
    const { payload } = await session.peer.next(Type.PING);
    session.peer.send(frame(Type.PONG, 0, 0, 0, payload));
    session.peer.send(frame(Type.DATA, 0, x.generation, x.id, Buffer.from('goes on')));
    await until('more', () => x.seen.bytes === 131_072 + 7);
  });

  it('forgets queued bytes when aborted', async () => {
    x.write(Buffer.alloc(WINDOW_BYTES * 2));
    x.abort(AbortReason.CANCELLED);
    await session.peer.next(Type.ABORT);
    await settle();
    expect(received(session.peer)).toBeLessThanOrEqual(WINDOW_BYTES);
    expect(x.seen.drains).toBe(0);
  });
});

/**
 * Counts what sockets hand to the kernel. The real end runs in this process; the raw peer only reads meanwhile.
 */
function countWrites(): { readonly count: number; stop(): number } {
  const single = jest.spyOn(Socket.prototype, '_write');
  const several = jest.spyOn(Socket.prototype as Required<Socket>, '_writev');
  return {
    get count() {
      return single.mock.calls.length + several.mock.calls.length;
    },
    stop() {
      const { count } = this;
      single.mockRestore();
      several.mockRestore();
      return count;
    },
  };
}
