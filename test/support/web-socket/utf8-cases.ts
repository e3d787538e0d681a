import { BAD_DATA, type CaseTable, type FrameCase } from './case.js';
import { frame, more, Opcode, text } from './frame.js';
import { told } from './raw-web-socket.js';

/** What RFC 3629 allows; Markus Kuhn's borders among them. */
const VALID = [
  ['Greek', 'cebae1bdb9cf83cebcceb5'],
  ['a NUL', '00'],
  ['first and last of 1 byte', '017f'],
  ['first and last of 2 bytes', 'c280dfbf'],
  ['first and last of 3 bytes', 'e0a080efbfbf'],
  ['first and last of 4 bytes', 'f0908080f48fbfbf'],
  ['below and above the surrogates', 'ed9fbfee8080'],
  ['the replacement character', 'efbfbd'],
  ['noncharacters', 'efbfbeefb790f09fbfbe'],
  ['a byte order mark', 'efbbbf61'],
  ['an emoji', 'f09f9880'],
] as const;

const INVALID = [
  ['a lone continuation byte', '80'],
  ['continuation bytes', '61bf80bf'],
  ['a start byte alone, 2', 'c3'],
  ['a start byte before a space, 2', 'c320'],
  ['a start byte before a space, 3', 'e120'],
  ['a start byte before a space, 4', 'f120'],
  ['3 bytes, the last missing', 'e282'],
  ['4 bytes, the last missing', 'f09f98'],
  ['a slash in 2 bytes', 'c0af'],
  ['a slash in 3 bytes', 'e080af'],
  ['a slash in 4 bytes', 'f08080af'],
  ['a NUL in 2 bytes', 'c080'],
  ['the largest in too many bytes, 2', 'c1bf'],
  ['the largest in too many bytes, 3', 'e09fbf'],
  ['the largest in too many bytes, 4', 'f08fbfbf'],
  ['a high surrogate', 'eda080'],
  ['a low surrogate', 'edbfbf'],
  ['a pair of surrogates', 'eda080edb080'],
  ['above U+10FFFF', 'f4908080'],
  ['5 bytes', 'f888808080'],
  ['6 bytes', 'fc8480808080'],
  ['FE', 'fe'],
  ['FF', 'ff'],
  ['Greek, then a surrogate, then text', 'cebae1bdb9cf83cebcceb5eda080656469746564'],
] as const;

const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');

/** A text in frames of one byte. */
const singly = (bytes: Buffer): Buffer[] =>
  Array.from(bytes, (_, i) => {
    const isLast = i === bytes.length - 1;
    return frame(i === 0 ? Opcode.TEXT : Opcode.CONTINUATION, bytes.subarray(i, i + 1), { fin: isLast });
  });

/**
 * Bad bytes that are noticed before the message is complete (§8.1, §7.1.7): the rest of it is never sent. `ws` waits for
 * the rest, which is sent to it.
 */
function early(name: string, send: readonly Buffer[], rest: readonly Buffer[]): FrameCase {
  return {
    name,
    rfc: '8.1',
    send,
    gets: [BAD_DATA],
    ws: { why: 'ws looks at a text when it is complete', send: rest, gets: [BAD_DATA] },
  };
}

const greek = hex('cebae1bdb9cf83cebcceb5');
const surrogate = hex('eda080');

export const UTF8_CASES: CaseTable = [
  [
    'valid UTF-8',
    VALID.flatMap(([name, digits]) => [
      { name, rfc: '5.6', send: [text(hex(digits))], gets: [told('text', hex(digits))] },
      {
        name: `${name}, byte by byte`,
        rfc: '5.4',
        send: singly(hex(digits)),
        gets: [told('text', hex(digits))],
      },
    ]),
  ],
  [
    'invalid UTF-8',
    INVALID.flatMap(([name, digits]) => [
      { name, rfc: '8.1', send: [text(hex(digits))], gets: [BAD_DATA] },
      { name: `${name}, byte by byte`, rfc: '8.1', send: singly(hex(digits)), gets: [BAD_DATA] },
      {
        name: `${name}, within fragments`,
        rfc: '8.1',
        send: [text('a', { fin: false }), more(hex(digits), { fin: false }), more('z')],
        gets: [BAD_DATA],
      },
    ]),
  ],
  [
    'invalid UTF-8, at once',
    [
      early('in a fragment', [text(Buffer.concat([greek, surrogate]), { fin: false })], [more('')]),
      early(
        'in the second of three fragments',
        [text(greek, { fin: false }), more(surrogate, { fin: false })],
        [more('x')],
      ),
      early(
        'over the border of two fragments',
        [text(hex('f4'), { fin: false }), more(hex('90'), { fin: false })],
        [more('x')],
      ),
      early(
        'over the border, with an empty fragment between',
        [text(hex('ed'), { fin: false }), more('', { fin: false }), more(hex('a0'), { fin: false })],
        [more('x')],
      ),
      early(
        'within a frame that is not complete',
        [text(Buffer.concat([greek, surrogate, Buffer.alloc(1000, 'x')])).subarray(0, 40)],
        [text(Buffer.concat([greek, surrogate, Buffer.alloc(1000, 'x')])).subarray(40)],
      ),
      early(
        'within the last frame, not complete',
        [
          text(greek, { fin: false }),
          more(Buffer.concat([hex('ff'), Buffer.alloc(500, 'x')])).subarray(0, 20),
        ],
        [more(Buffer.concat([hex('ff'), Buffer.alloc(500, 'x')])).subarray(20)],
      ),
    ],
  ],
];
