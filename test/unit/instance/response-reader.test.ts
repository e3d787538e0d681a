import { describe, expect, it } from '@jest/globals';
import { type Framing, ResponseReader, type ResponseSink } from '#host/instance/response-reader.js';

class Collected implements ResponseSink {
  readonly interims: number[] = [];
  status = 0;
  fields: string[] = [];
  framing: Framing | undefined;
  length = -2;
  text = '';
  completed = 0;
  trailers: string[] | undefined;
  failure: string | undefined;

  interim(status: number): void {
    this.interims.push(status);
  }

  head(status: number, fields: string[], framing: Framing, length: number): void {
    Object.assign(this, { status, fields, framing, length });
  }

  body(chunk: string | Uint8Array): void {
    this.text += Buffer.from(chunk as string).toString('latin1');
  }

  complete(trailers: string[] | undefined): void {
    this.completed++;
    this.trailers = trailers;
  }

  malformed(reason: string): void {
    this.failure = reason;
  }
}

function read(
  bytes: string,
  options: { method?: string; upgrade?: boolean; split?: number; asString?: boolean } = {},
): Collected {
  const sink = new Collected();
  const reader = new ResponseReader(sink);
  reader.reset(options.method ?? 'GET', options.upgrade ?? false, undefined);
  const at = options.split ?? bytes.length;
  for (const part of [bytes.slice(0, at), bytes.slice(at)])
    reader.read(options.asString === true ? part : Buffer.from(part, 'latin1'), 'latin1');
  return sink;
}

const RESPONSES: readonly (readonly [string, string, Partial<Collected>])[] = [
  [
    'length',
    'HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nhello',
    { fields: ['A', 'b'], text: 'hello', completed: 1, length: 5 },
  ],
  ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, text: '', completed: 1, framing: 'none' }],
  [
    'chunked',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\n\r\n!\r\n0\r\n\r\n',
    { text: 'hello\r\n!', completed: 1, trailers: undefined },
  ],
  [
    'trailers',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nY:2\r\n\r\n',
    { text: 'a', completed: 1, trailers: ['X-Sum', '1', 'Y', '2'] },
  ],
  [
    'until close',
    'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall the rest',
    { fields: [], text: 'all the rest', completed: 0, framing: 'close' },
  ],
  [
    'interim',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    { interims: [100, 103], status: 200, completed: 1 },
  ],
  [
    'too long',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 smuggled',
    { text: 'ok', completed: 1 },
  ],
  [
    'no response',
    'GET / HTTP/1.1\r\n\r\n',
    { status: 0, failure: expect.stringContaining('no status line') as unknown as string },
  ],
  [
    'bad length',
    'HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello',
    { status: 0, failure: expect.stringContaining('Content-Length') as unknown as string },
  ],
  [
    'bad chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    { failure: expect.stringContaining('chunk size') as unknown as string },
  ],
];

describe('ResponseReader', () => {
  it.each(RESPONSES)('reads a response with %s, wherever it is cut', (_name, bytes, expected) => {
    for (const asString of [false, true])
      for (let split = 0; split <= bytes.length; split++)
        expect(read(bytes, { split, asString })).toMatchObject(expected);
  });

  it('knows that HEAD and 304 have a length and no body', () => {
    expect(read('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', { method: 'HEAD' })).toMatchObject({
      length: 5,
      completed: 1,
    });
    expect(read('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n')).toMatchObject({
      length: 5,
      completed: 1,
    });
  });

  it('passes a tunnel on as it is, and only where the client asked for one', () => {
    const bytes = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x00\xff';
    expect(read(bytes, { upgrade: true })).toMatchObject({
      status: 101,
      framing: 'tunnel',
      fields: ['Upgrade', 'x'],
      text: '\x00\xff',
    });
    expect(read(bytes).failure).toContain('without Upgrade');
  });

  it('takes strings of any encoding for the bytes they stand for', () => {
    const sink = new Collected();
    const reader = new ResponseReader(sink);
    reader.reset('GET', false, undefined);
    reader.read('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\né', 'utf8');
    reader.read('é', 'utf8');
    reader.read('é', 'latin1');
    reader.read('ff00ff', 'hex');
    expect(sink.text).toBe('\xc3\xa9\xc3\xa9\xe9\xff\x00\xff');
    expect(sink.completed).toBe(1);
  });

  it('says that a response which owes bytes is incomplete', () => {
    const reader = new ResponseReader(new Collected());
    reader.reset('GET', false, undefined);
    expect(reader.isIncomplete).toBe(true);
    reader.read('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok', 'latin1');
    expect(reader.isIncomplete).toBe(true);
    reader.read('!', 'latin1');
    expect(reader.isIncomplete).toBe(false);
  });
});
