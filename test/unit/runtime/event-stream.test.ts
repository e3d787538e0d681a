import { describe, expect, it } from '@jest/globals';
import { FieldBlock } from '#host/http/field-block.js';
import { EventStream, isEventStream } from '#host/runtime/event-stream.js';
import { MemoryExchange } from '#test/support/memory-exchange.js';

const HINT = 'retry: 1000\n\n';

function opened() {
  const exchange = new MemoryExchange('/events');
  exchange.begin(200, ['Content-Type', 'text/event-stream']);
  let ends = 0;
  const stream = new EventStream(exchange, () => ends++);
  const write = (text: string): boolean => stream.write(Buffer.from(text));
  return { exchange, stream, write, ends: () => ends };
}

describe('an event stream that is asked to go away', () => {
  it.each([
    ['nothing was sent', ''],
    ['an event is over', 'data: a\n\n'],
    ['an event with other line ends is over', 'data: a\r\ndata: b\r\n\r\n'],
    ['an event that ends in CR is over', 'data: a\r\r'],
    ['a comment was sent', 'data: a\n\n: still here\n'],
  ])('ends at once with the hint when %s', (_what, before) => {
    const { exchange, stream, write, ends } = opened();
    if (before !== '') write(before);
    stream.goAway();
    expect([exchange.body, exchange.isEnded, ends()]).toEqual([before + HINT, true, 1]);
    stream.goAway();
    expect(write('data: late\n\n')).toBe(true);
    expect([exchange.body, ends()]).toEqual([before + HINT, 1]);
  });

  it.each([
    ['data: a', ['\n\ndata: b\n\n'], 'data: a\n\n'],
    ['data: a\n', ['data: b\n', '\n', 'data: c\n\n'], 'data: a\ndata: b\n\n'],
    ['data: a\r', ['\n\r', '\ndata: b'], 'data: a\r\n\r'],
    [': com', ['ment\ndata: b\n\n'], ': comment\n'],
    ['data: a\n: comment\n', ['\n'], 'data: a\n: comment\n\n'],
  ])('is not torn after %j: what follows is %j', (before, chunks, sent) => {
    const { exchange, stream, write, ends } = opened();
    write(before);
    stream.goAway();
    expect([exchange.body, ends()]).toEqual([before, 0]);
    for (const chunk of chunks) write(chunk);
    expect([exchange.body, exchange.isEnded, ends()]).toEqual([sent + HINT, true, 1]);
  });

  it('passes everything on before, and says when the client does not keep up', () => {
    const { exchange, write } = opened();
    expect(write('data: a\n\ndata: b')).toBe(true);
    exchange.room = 0;
    expect(write('\n\n')).toBe(false);
    expect([exchange.body, exchange.isEnded]).toEqual(['data: a\n\ndata: b\n\n', false]);
  });
});

it('is known by its type, when bytes can be put behind it', () => {
  const of = (...fields: string[]): boolean => isEventStream(200, FieldBlock.of(fields));
  expect(of('Content-Type', 'text/event-stream')).toBe(true);
  expect(of('content-type', 'Text/Event-Stream; charset=utf-8')).toBe(true);
  expect(isEventStream(200, ['content-type', 'text/event-stream'])).toBe(true);
  expect(isEventStream(206, ['content-type', 'text/event-stream'])).toBe(false);
  expect(of('Content-Type', 'text/event-streams')).toBe(false);
  expect(of('Content-Type', 'text/plain')).toBe(false);
  expect(of()).toBe(false);
  expect(of('Content-Type', 'text/event-stream', 'Content-Encoding', 'gzip')).toBe(false);
  expect(of('Content-Type', 'text/event-stream', 'Content-Length', '9')).toBe(false);
});
