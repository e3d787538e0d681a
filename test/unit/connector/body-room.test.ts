import { describe, expect, it } from '@jest/globals';
import { BodyRoom, LARGE_BODY_CHUNK } from '#host/connector/body-room.js';

const MUCH = 1024 * 1024;

function fastBody(): BodyRoom {
  const room = new BodyRoom();
  room.read(LARGE_BODY_CHUNK);
  return room;
}

describe('memory for a large request body', () => {
  it('is an area as long as the client sends as much as is read', () => {
    const room = fastBody();
    const first = room.next(MUCH, MUCH) as Buffer;
    expect(room.area?.lends(first)).toBe(true);
    room.read(first.length);
    const second = room.next(LARGE_BODY_CHUNK / 2, MUCH) as Buffer;
    expect(second).toHaveLength(LARGE_BODY_CHUNK / 2);
    // So much was asked for: a small piece, and still fast.
    room.read(second.length);
    expect(room.area?.lends(room.next(MUCH, MUCH) as Buffer)).toBe(true);
  });

  it('never reaches beyond the body or the credit', () => {
    const room = fastBody();
    expect(room.next(40_000, MUCH)).toHaveLength(40_000);
    expect(room.next(MUCH, 50_000)).toHaveLength(50_000);
  });

  it('is a few bytes elsewhere without credit, and the area again behind them', () => {
    const room = fastBody();
    room.next(MUCH, MUCH);
    room.read(LARGE_BODY_CHUNK);
    const few = room.next(MUCH, 0) as Buffer;
    expect(few.length).toBeLessThan(4096);
    expect(room.area?.lends(few)).toBe(false);
    room.read(few.length);
    // They wait for credit: what is read when it has come back has its place now.
    const next = room.next(MUCH, undefined) as Buffer;
    expect(next.length).toBeGreaterThanOrEqual(LARGE_BODY_CHUNK);
    expect(room.area?.lends(next)).toBe(true);
  });

  it.each([
    ['the body is over', (room: BodyRoom) => room.next(0, MUCH)],
    ['its length is not known', (room: BodyRoom) => room.next(-1, MUCH)],
    [
      'the client has become slow',
      (room: BodyRoom) => {
        room.read(100);
        return room.next(MUCH, MUCH);
      },
    ],
  ])('is given back when %s', (_, next) => {
    const room = fastBody();
    room.next(MUCH, MUCH);
    const { area } = room;
    expect(next(room)).toBeUndefined();
    expect(room.area).toBeUndefined();
    const other = fastBody();
    other.next(MUCH, MUCH);
    expect(other.area).toBe(area);
  });
});
