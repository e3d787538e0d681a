import { describe, expect, it } from '@jest/globals';
import { EventStreamParser, type ReceivedEvent } from '#host/engine/test/event-stream-parser.js';
import { encodeEvent } from '#host/plugins/sse/event.js';

function parse(text: string, step: number): { events: ReceivedEvent[]; comments: string[] } {
  const events: ReceivedEvent[] = [];
  const comments: string[] = [];
  const parser = new EventStreamParser({
    event: (event) => events.push(event),
    comment: (comment) => comments.push(comment),
  });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += step) parser.read(bytes.subarray(at, at + step));
  return { events, comments };
}

const event = (data: string, more: Partial<ReceivedEvent> = {}) => ({
  event: 'message',
  data,
  id: '',
  retryMs: undefined,
  ...more,
});

// The first five are examples of the HTML standard, §9.2.
const CASES: readonly (readonly [string, readonly ReceivedEvent[]])[] = [
  ['data: YHOO\ndata: +2\ndata: 10\n\n', [event('YHOO\n+2\n10')]],
  [
    ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n',
    [event('first event', { id: '1' }), event('second event'), event(' third event')],
  ],
  ['data\n\ndata\ndata\n\ndata:', [event(''), event('\n')]],
  ['data:test\n\ndata: test\n\n', [event('test'), event('test')]],
  ['event: add\ndata: 73857293\n\n', [event('73857293', { event: 'add' })]],
  ['data: a\rdata: b\r\ndata: c\n\r\n', [event('a\nb\nc')]],
  ['\u{feff}data: grüße €\n\n', [event('grüße €')]],
  ['retry: 12x\nretry: 10\ndata: x\n\n', [event('x', { retryMs: 10 })]],
  ['id: a\0b\nunknown: x\ndata: x\n\n', [event('x')]],
  ['data: never finished', []],
];

describe('EventStreamParser', () => {
  it.each(CASES)('reads %j however it is cut', (text, expected) => {
    for (const step of [1, 2, 3, 1000]) expect(parse(text, step).events).toEqual(expected);
  });

  it('reads back what the plugin writes', () => {
    const written = encodeEvent({ event: 'e', data: 'a\r\n\nb', id: '7', retryMs: 5, comment: 'one\ntwo' });
    for (const step of [1, 1000])
      expect(parse(written, step)).toEqual({
        events: [{ event: 'e', data: 'a\n\nb', id: '7', retryMs: 5 }],
        comments: ['one', 'two'],
      });
  });
});
