import { constants, deflateRawSync } from 'node:zlib';
import { BAD_DATA, type CaseTable, type FrameCase, PROTOCOL_ERROR, TOO_LARGE } from './case.js';
import { binary, close, inFragments, more, Opcode, ping, text } from './frame.js';
import { MAX_MESSAGE_BYTES } from './large-cases.js';
import { told } from './raw-web-socket.js';

const RSV1 = 4;
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

/** RFC 7692 §7.2.1: without the 4 bytes that end a flush. */
function deflated(data: string | Buffer, windowBits = 15): Buffer {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, windowBits }).subarray(0, -4);
}

/** A message compressed on its own. */
const packed = (data: string | Buffer, windowBits?: number): Buffer =>
  text(deflated(data, windowBits), { rsv: RSV1 });

const asks = (
  name: string,
  extensions: string,
  send: readonly Buffer[],
  ...gets: readonly string[]
): FrameCase => ({
  name,
  rfc: '7692 7.1',
  extensions,
  send,
  gets,
});

const given = (
  name: string,
  rfc: string,
  send: readonly Buffer[],
  ...gets: readonly string[]
): FrameCase => ({
  name,
  rfc: `7692 ${rfc}`,
  extensions: 'permessage-deflate',
  send,
  gets,
});

/** Two equal halves, further from each other than a window of 9 bits reaches. */
const far = Buffer.concat([noise(700), noise(700), noise(2000)]);
const long = Buffer.alloc(4 * 1024 * 1024, 'compressible, ');
const noisy = noise(128 * 1024);

/** Messages in permessage-deflate (RFC 7692). */
export const DEFLATE_CASES: CaseTable = [
  [
    'the examples of RFC 7692',
    [
      given('one block', '7.2.3.1', [text(hex('f248cdc9c90700'), { rsv: RSV1 })], 'text Hello'),
      given(
        'in two fragments',
        '7.2.3.1',
        [text(hex('f248cd'), { rsv: RSV1, fin: false }), more(hex('c9c90700'))],
        'text Hello',
      ),
      given(
        'sharing the window',
        '7.2.3.2',
        [text(hex('f248cdc9c90700'), { rsv: RSV1 }), text(hex('f200110000'), { rsv: RSV1 })],
        'text Hello',
        'text Hello',
      ),
      given(
        'a block not compressed',
        '7.2.3.3',
        [text(hex('000500faff48656c6c6f00'), { rsv: RSV1 })],
        'text Hello',
      ),
      given('a block with BFINAL', '7.2.3.4', [text(hex('f348cdc9c9070000'), { rsv: RSV1 })], 'text Hello'),
      given('two blocks', '7.2.3.5', [text(hex('f24805000000ffffcac9c90700'), { rsv: RSV1 })], 'text Hello'),
      given('an empty message', '7.2.3.6', [text(hex('00'), { rsv: RSV1 })], 'text'),
    ],
  ],
  [
    'compressed messages',
    [
      given(
        'a message behind one with BFINAL',
        '7.2.3.4',
        [text(hex('f348cdc9c9070000'), { rsv: RSV1 }), packed('x')],
        'text Hello',
        'text x',
      ),
      given('not compressed', '6', [text('plain')], 'text plain'),
      given(
        'compressed, not compressed, compressed',
        '6',
        [packed('one'), text('two'), packed('three')],
        'text one',
        'text two',
        'text three',
      ),
      given(
        'a ping between fragments',
        '6.1',
        [text(hex('f248cd'), { rsv: RSV1, fin: false }), ping('p'), more(hex('c9c90700'))],
        'pong p',
        'text Hello',
      ),
      given('4 MiB that shrink', '6', [packed(long)], told('text', long)),
      given(
        '128 KiB in fragments of 64 bytes',
        '6.1',
        [inFragments(Opcode.BINARY, deflated(noisy), 64, RSV1)],
        told('binary', noisy),
      ),
      given(
        'a text in fragments with an empty last one',
        '6.1',
        [text(deflated('Hello'), { rsv: RSV1, fin: false }), more('')],
        'text Hello',
      ),
      {
        ...given('a close behind it', '6', [close(1000)], 'close 1000'),
        first: { send: [packed('one')], gets: ['text one'] },
      },
    ],
  ],
  [
    'windows and contexts',
    [
      ...[9, 10, 12, 15].map((bits) =>
        asks(
          `server window of ${bits} bits`,
          `permessage-deflate; server_max_window_bits=${bits}`,
          [binary(far), binary(far)],
          told('binary', far),
          told('binary', far),
        ),
      ),
      ...[9, 11, 15].map((bits) =>
        asks(
          `client window of ${bits} bits`,
          `permessage-deflate; client_max_window_bits=${bits}`,
          [packed('abc'.repeat(500), bits)],
          told('text', 'abc'.repeat(500)),
        ),
      ),
      asks(
        'a hint without a value',
        'permessage-deflate; client_max_window_bits',
        [packed('abc')],
        'text abc',
      ),
      asks(
        'no context of the server',
        'permessage-deflate; server_no_context_takeover',
        [packed('same'.repeat(500)), packed('same'.repeat(500))],
        told('text', 'same'.repeat(500)),
        told('text', 'same'.repeat(500)),
      ),
      asks(
        'no context of the client',
        'permessage-deflate; client_no_context_takeover',
        [packed('same'), packed('same')],
        'text same',
        'text same',
      ),
    ],
  ],
  [
    'bad compression',
    [
      given(
        'RSV1 on a continuation',
        '6.1',
        [text(hex('f248cd'), { rsv: RSV1, fin: false }), more(hex('c9c90700'), { rsv: RSV1 })],
        PROTOCOL_ERROR,
      ),
      given(
        'RSV1 on a continuation only',
        '6.1',
        [text('a', { fin: false }), more(hex('c9c90700'), { rsv: RSV1 })],
        PROTOCOL_ERROR,
      ),
      given('RSV1 on a ping', '6', [ping('x', { rsv: RSV1 })], PROTOCOL_ERROR),
      given('RSV1 on a close', '6', [close(1000, '', { rsv: RSV1 })], PROTOCOL_ERROR),
      given('RSV2', '6', [text('x', { rsv: 2 })], PROTOCOL_ERROR),
      given('RSV1 and RSV3', '6', [text('x', { rsv: 5 })], PROTOCOL_ERROR),
      given('no deflate at all', '7.2.2', [text(hex('ffffffffffff'), { rsv: RSV1 })], BAD_DATA),
      given('text sent as compressed', '7.2.2', [text('not compressed at all', { rsv: RSV1 })], BAD_DATA),
      given('a reference before the beginning', '7.2.2', [text(hex('f200110000'), { rsv: RSV1 })], BAD_DATA),
      {
        ...asks(
          'a reference to a context that was given up',
          'permessage-deflate; client_no_context_takeover',
          [text(hex('f200110000'), { rsv: RSV1 })],
          BAD_DATA,
        ),
        first: { send: [text(hex('f248cdc9c90700'), { rsv: RSV1 })], gets: ['text Hello'] },
      },
      given('UTF-8 that is none, inside', '6.2', [packed(hex('eda080'))], BAD_DATA),
      given('little that becomes too much', '8', [packed(Buffer.alloc(MAX_MESSAGE_BYTES + 1))], TOO_LARGE),
    ],
  ],
];

/** Bytes that do not shrink, the same every time. */
function noise(bytes: number): Buffer {
  const out = Buffer.alloc(bytes);
  let state = 1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    out[i] = state >>> 16;
  }
  return out;
}
