import { type CaseTable, type FrameCase, TOO_LARGE } from './case.js';
import { binary, frame, inFragments, Opcode, text } from './frame.js';
import { told } from './raw-web-socket.js';

const KiB = 1024;
const MiB = 1024 * KiB;
/** Largest message of the applications under test. */
export const MAX_MESSAGE_BYTES = 16 * MiB;

const data = (bytes: number): Buffer => Buffer.alloc(bytes, 'BAsd7&jh23');

const whole = (kind: 'text' | 'binary', bytes: number): FrameCase => ({
  name: `${kind} of ${bytes / KiB} KiB in one frame`,
  rfc: '5.2',
  send: [(kind === 'text' ? text : binary)(data(bytes))],
  gets: [told(kind, data(bytes))],
});

const fragmented = (kind: 'text' | 'binary', bytes: number, each: number): FrameCase => {
  const opcode = kind === 'text' ? Opcode.TEXT : Opcode.BINARY;
  const isTooMany = bytes / each > 16 * KiB;
  return {
    name: `${kind} of ${bytes / KiB} KiB in fragments of ${each} bytes`,
    rfc: '5.4',
    send: [inFragments(opcode, data(bytes), each)],
    gets: [told(kind, data(bytes))],
    ...(isTooMany ? { ws: { why: 'ws takes 16,384 fragments by default', gets: ['close 1008'] } } : {}),
  };
};

/** Large messages, and what is too large (RFC 6455 §10.4). */
export const LARGE_CASES: CaseTable = [
  [
    'large messages',
    [
      whole('text', 256 * KiB),
      whole('text', 4 * MiB),
      whole('binary', 4 * MiB),
      whole('text', 16 * MiB),
      whole('binary', 16 * MiB),
      fragmented('text', 4 * MiB, 64),
      fragmented('binary', 4 * MiB, 64),
      fragmented('text', 4 * MiB, 256),
      fragmented('binary', 4 * MiB, 1024),
      fragmented('text', 4 * MiB, 64 * KiB),
      fragmented('binary', 16 * MiB, MiB),
    ],
  ],
  [
    'messages that are too large',
    [
      {
        name: 'a frame that only says so',
        rfc: '7.4.1',
        send: [Buffer.concat([Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0]), Buffer.alloc(4)])],
        gets: [TOO_LARGE],
      },
      {
        name: 'one byte too many in the last fragment',
        rfc: '7.4.1',
        send: [binary(data(MAX_MESSAGE_BYTES), { fin: false }), frame(Opcode.CONTINUATION, 'x')],
        gets: [TOO_LARGE],
      },
    ],
  ],
];
