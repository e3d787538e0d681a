import { BAD_DATA, type CaseTable, PROTOCOL_ERROR } from './case.js';
import { close, frame, Opcode, ping, text } from './frame.js';

const VALID = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];
const INVALID = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

/** The end of a session (RFC 6455 §5.5.1, §7). */
export const CLOSE_CASES: CaseTable = [
  [
    'codes that may be sent',
    VALID.map((code) => ({
      name: `${code} with a reason`,
      rfc: '7.4',
      send: [close(code, 'why')],
      gets: [`close ${code} why`],
    })),
  ],
  [
    'codes that may not be sent',
    INVALID.map((code) => ({
      name: `${code}`,
      rfc: '7.4',
      send: [close(code)],
      gets: [PROTOCOL_ERROR],
    })),
  ],
  [
    'close frames',
    [
      { name: 'no payload', rfc: '5.5.1', send: [close()], gets: ['close'] },
      { name: 'half a code', rfc: '5.5.1', send: [frame(Opcode.CLOSE, 'x')], gets: [PROTOCOL_ERROR] },
      {
        name: 'a reason of 123 bytes',
        rfc: '5.5',
        send: [close(1000, 'r'.repeat(123))],
        gets: [`close 1000 ${'r'.repeat(123)}`],
      },
      {
        name: 'a reason of 124 bytes',
        rfc: '5.5',
        send: [close(1000, 'r'.repeat(124))],
        gets: [PROTOCOL_ERROR],
      },
      {
        name: 'a reason that is no UTF-8',
        rfc: '8.1',
        send: [close(1000, Buffer.from('ceba e1bdb9 cf83 eda080'.replaceAll(' ', ''), 'hex'))],
        gets: [BAD_DATA],
      },
      {
        name: 'a reason that ends within a character',
        rfc: '8.1',
        send: [close(1000, Buffer.from('e282', 'hex'))],
        gets: [BAD_DATA],
      },
      { name: 'a reason in Greek', rfc: '5.5.1', send: [close(1000, 'κόσμε')], gets: ['close 1000 κόσμε'] },
      {
        name: 'what was sent before is answered before',
        rfc: '5.5.1',
        first: { send: [text('a')], gets: ['text a'] },
        send: [ping('b'), close(1000)],
        gets: ['pong b', 'close 1000'],
      },
      { name: 'a text behind it', rfc: '5.5.1', send: [close(1000), text('late')], gets: ['close 1000'] },
      { name: 'a ping behind it', rfc: '5.5.1', send: [close(1000), ping('late')], gets: ['close 1000'] },
      { name: 'another behind it', rfc: '5.5.1', send: [close(1000), close(1001)], gets: ['close 1000'] },
      {
        name: 'nonsense behind it',
        rfc: '5.5.1',
        send: [close(1000), Buffer.alloc(1000, 0xff)],
        gets: ['close 1000'],
      },
      {
        name: '256 KiB behind it',
        rfc: '5.5.1',
        send: [close(1000), text(Buffer.alloc(256 * 1024, 'x'))],
        gets: ['close 1000'],
      },
      {
        name: 'nonsense instead of it',
        rfc: '7.1.7',
        send: [Buffer.alloc(1000, 0xff)],
        gets: [PROTOCOL_ERROR],
      },
      {
        name: 'HTTP instead of frames',
        rfc: '5.2',
        send: [Buffer.from('GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n')],
        gets: [PROTOCOL_ERROR],
      },
    ],
  ],
];
