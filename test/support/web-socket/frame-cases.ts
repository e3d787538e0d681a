import { type CaseTable, type FrameCase, PROTOCOL_ERROR, TOO_LARGE } from './case.js';
import { binary, close, frame, more, ping, pong, text } from './frame.js';
import { told } from './raw-web-socket.js';

const x = (bytes: number): Buffer => Buffer.alloc(bytes, 'x');

function echo(name: string, rfc: string, frames: readonly Buffer[], ...gets: readonly string[]): FrameCase {
  return { name, rfc, send: frames, gets };
}

/** With `before`, the first frame is a message that is answered with it. */
function refused(name: string, rfc: string, frames: readonly Buffer[], before?: string): FrameCase {
  if (before === undefined) return { name, rfc, send: frames, gets: [PROTOCOL_ERROR] };
  const first = { send: frames.slice(0, 1), gets: [before] };
  return { name, rfc, first, send: frames.slice(1), gets: [PROTOCOL_ERROR] };
}

/** Base framing, control frames, reserved bits and opcodes, fragments (RFC 6455 §5). */
export const FRAME_CASES: CaseTable = [
  [
    'frames of every length',
    [0, 1, 125, 126, 127, 128, 65_535, 65_536].flatMap((bytes) => [
      echo(`text of ${bytes} bytes`, '5.2', [text(x(bytes))], told('text', x(bytes))),
      echo(`binary of ${bytes} bytes`, '5.2', [binary(x(bytes))], told('binary', x(bytes))),
    ]),
  ],
  [
    'lengths and masks',
    [
      echo('a length in 2 bytes where 7 bits would do', '5.2', [text('hi', { lengthBytes: 2 })], 'text hi'),
      echo('a length in 8 bytes where 7 bits would do', '5.2', [text('hi', { lengthBytes: 8 })], 'text hi'),
      {
        name: 'a length whose highest bit is set',
        rfc: '5.2',
        send: [Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
        gets: [TOO_LARGE],
      },
      {
        name: 'a length of 2^53',
        rfc: '5.2',
        send: [Buffer.from([0x82, 0xff, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
        gets: [TOO_LARGE],
      },
      echo('a mask of zeros', '5.3', [text('hi', { mask: Buffer.alloc(4) })], 'text hi'),
      echo('a mask of ones', '5.3', [text('hello', { mask: Buffer.alloc(4, 255) })], 'text hello'),
      echo(
        'another mask in each fragment',
        '5.3',
        [text('ab', { fin: false }), more('cd', { mask: Buffer.from([9, 8, 7, 6]) })],
        'text abcd',
      ),
      refused('a text without a mask', '5.1', [text('hi', { mask: undefined })]),
      refused('an empty text without a mask', '5.1', [text('', { mask: undefined })]),
      refused('a ping without a mask', '5.1', [ping('', { mask: undefined })]),
      refused('a close without a mask', '5.1', [close(1000, '', { mask: undefined })]),
      refused('a fragment without a mask', '5.1', [
        text('a', { fin: false }),
        more('b', { mask: undefined }),
      ]),
    ],
  ],
  [
    'pings and pongs',
    [
      echo('a ping without data', '5.5.2', [ping()], 'pong'),
      echo('a ping with text', '5.5.3', [ping('hello')], 'pong hello'),
      echo(
        'a ping with bytes that are no text',
        '5.5.3',
        [ping(Buffer.from('00fffe', 'hex'))],
        told('pong', Buffer.from('00fffe', 'hex')),
      ),
      echo('a ping of 125 bytes', '5.5', [ping(x(125))], told('pong', x(125))),
      refused('a ping of 126 bytes', '5.5', [ping(x(126))]),
      refused('a ping of 65 536 bytes', '5.5', [ping(x(65_536))]),
      refused('a ping with a length in 2 bytes', '5.5', [ping('hi', { lengthBytes: 2 })]),
      refused('a pong of 126 bytes', '5.5', [pong(x(126))]),
      echo('a pong nobody asked for', '5.5.3', [pong()]),
      echo('a pong with data, then a ping', '5.5.3', [pong('never asked'), ping('asked')], 'pong asked'),
      echo(
        'ten pings',
        '5.5.3',
        Array.from({ length: 10 }, (_, i) => ping(`${i}`)),
        ...Array.from({ length: 10 }, (_, i) => `pong ${i}`),
      ),
      refused('a ping in fragments', '5.5', [ping('a', { fin: false }), more('b')]),
      refused('a pong in fragments', '5.5', [pong('a', { fin: false }), more('b')]),
      refused('a close in fragments', '5.5', [close(1000, '', { fin: false }), more('')]),
      echo('a ping, then a text', '5.5.2', [ping('1'), text('2')], 'pong 1', 'text 2'),
    ],
  ],
  [
    'reserved bits',
    [1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => [
      refused(`a text with RSV ${rsv}`, '5.2', [text('x', { rsv }), ping()]),
      refused(
        `a text, then a binary with RSV ${rsv}`,
        '5.2',
        [text('first'), binary('x', { rsv })],
        'text first',
      ),
      refused(`a ping with RSV ${rsv}`, '5.2', [ping('x', { rsv })]),
      refused(`a close with RSV ${rsv}`, '5.2', [close(1000, '', { rsv })]),
      refused(`a fragment with RSV ${rsv}`, '5.2', [text('x', { fin: false }), more('y', { rsv })]),
    ]),
  ],
  [
    'opcodes without a meaning',
    [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
      refused(`${opcode}, empty`, '5.2', [frame(opcode), ping()]),
      refused(`${opcode} with data`, '5.2', [frame(opcode, 'x')]),
      refused(
        `${opcode} behind a text`,
        '5.2',
        [text('first'), frame(opcode, 'x'), text('last')],
        'text first',
      ),
      refused(`${opcode} between fragments`, '5.2', [
        text('x', { fin: false }),
        frame(opcode, 'y'),
        more('z'),
      ]),
    ]),
  ],
  [
    'fragments',
    [
      echo('a text in two', '5.4', [text('ab', { fin: false }), more('cd')], 'text abcd'),
      echo(
        'a binary in three',
        '5.4',
        [binary('a', { fin: false }), more('b', { fin: false }), more('c')],
        'binary 616263',
      ),
      echo('a text in two, the second empty', '5.4', [text('ab', { fin: false }), more('')], 'text ab'),
      echo(
        'a text of three empty frames',
        '5.4',
        [text('', { fin: false }), more('', { fin: false }), more('')],
        'text',
      ),
      echo(
        'a binary of empty frames and one byte',
        '5.4',
        [binary('', { fin: false }), more('a', { fin: false }), more('')],
        'binary 61',
      ),
      echo(
        'a ping between them',
        '5.4',
        [text('a', { fin: false }), ping('p'), more('b')],
        'pong p',
        'text ab',
      ),
      echo('a pong between them', '5.4', [text('a', { fin: false }), pong('p'), more('b')], 'text ab'),
      echo(
        'pings between many',
        '5.4',
        [text('a', { fin: false }), ping('1'), more('b', { fin: false }), ping('2'), more('c')],
        'pong 1',
        'pong 2',
        'text abc',
      ),
      echo('a close between them', '5.5.1', [text('a', { fin: false }), close(1000)], 'close 1000'),
      echo(
        'two messages',
        '5.4',
        [text('a', { fin: false }), more('b'), binary('c', { fin: false }), more('d')],
        'text ab',
        'binary 6364',
      ),
      refused('a continuation of nothing', '5.4', [more('x')]),
      refused('a continuation of nothing, to be continued', '5.4', [more('x', { fin: false }), text('y')]),
      refused('a continuation behind a whole text', '5.4', [text('a'), more('b')], 'text a'),
      {
        name: 'a continuation behind the last fragment',
        rfc: '5.4',
        first: { send: [text('a', { fin: false }), more('b')], gets: ['text ab'] },
        send: [more('c')],
        gets: [PROTOCOL_ERROR],
      },
      refused('a text within a text', '5.4', [text('a', { fin: false }), text('b')]),
      refused('a text within a binary', '5.4', [binary('a', { fin: false }), text('b', { fin: false })]),
      refused('a binary within a text', '5.4', [text('a', { fin: false }), binary('b'), more('c')]),
      refused('a text within fragments', '5.4', [
        text('a', { fin: false }),
        more('b', { fin: false }),
        text('c'),
      ]),
    ],
  ],
];
