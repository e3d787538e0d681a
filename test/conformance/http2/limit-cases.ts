import { Flag, Frame, frame, post, request } from '#test/support/http2/frame-client.js';
import { headerBlock, indexedLiteral, integer } from '#test/support/http2/hpack.js';
import {
  asks,
  fatal,
  goaway,
  type Http2Case,
  OK,
  outcome,
  sends,
  served,
  survives,
  WHOLE,
} from './http2-case.js';

const { END_STREAM, END_HEADERS } = Flag;
const block = headerBlock(request());

/** Header compression. */
export const COMPRESSION: readonly Http2Case[] = [
  fatal(
    'RFC 7541 2.3.3',
    'an index behind both tables',
    ['COMPRESSION_ERROR'],
    frame(Frame.HEADERS, WHOLE, 1, integer(200, 7, 0x80)),
  ),
  fatal('RFC 7541 6.1', 'index 0', ['COMPRESSION_ERROR'], frame(Frame.HEADERS, WHOLE, 1, [0x80])),
  fatal(
    'RFC 7541 5.1',
    'an integer that does not end',
    ['COMPRESSION_ERROR'],
    frame(Frame.HEADERS, WHOLE, 1, [0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]),
  ),
  fatal(
    'RFC 7541 5.2',
    'Huffman padding of more than seven bits',
    ['COMPRESSION_ERROR'],
    frame(Frame.HEADERS, WHOLE, 1, Buffer.concat([block, Buffer.from([0x00, 0x01, 0x78, 0x82, 0xff, 0xff])])),
  ),
  fatal(
    'RFC 7541 5.2',
    'a string longer than the block',
    ['COMPRESSION_ERROR'],
    frame(Frame.HEADERS, WHOLE, 1, Buffer.concat([block, Buffer.from([0x00, 0x7f, 0x78])])),
  ),
  fatal(
    'RFC 7541 6.3',
    'a table larger than allowed',
    ['COMPRESSION_ERROR'],
    frame(Frame.HEADERS, WHOLE, 1, Buffer.concat([integer(1_000_000, 5, 0x20), block])),
  ),
  fatal(
    'RFC 7541 4.2',
    'an update of the table behind a field',
    ['COMPRESSION_ERROR'],
    frame(Frame.HEADERS, WHOLE, 1, Buffer.concat([block, integer(0, 5, 0x20)])),
  ),
  survives(
    'RFC 7541 2.3.2',
    'a field of the dynamic table',
    OK,
    sends(
      frame(Frame.HEADERS, WHOLE, 1, Buffer.concat([block, indexedLiteral(['x', 'first'])])),
      frame(Frame.HEADERS, WHOLE, 3, Buffer.concat([block, Buffer.from([0x80 | 62])])),
    ),
    3,
  ),
];

/** Too much of something. */
export const LIMITS: readonly Http2Case[] = [
  survives(
    'RFC 9110 15.5.15',
    'a target above maxTargetSize',
    ['414'],
    asks(request(`/${'a'.repeat(8 * 1024)}`)),
  ),
  survives('RFC 6585 5', 'a header section above maxHeaderSize', ['431'], (client) => {
    const bytes = headerBlock(request('/', ['x', 'a'.repeat(15_000)], ['y', 'b'.repeat(5000)]));
    client.send(
      frame(Frame.HEADERS, END_STREAM, 1, bytes.subarray(0, 16_000)),
      frame(Frame.CONTINUATION, END_HEADERS, 1, bytes.subarray(16_000)),
    );
  }),
  survives(
    'RFC 6585 5',
    'more fields than maxHeaderCount',
    ['431'],
    asks(request('/', ...Array.from({ length: 101 }, (_, i) => [`x-${i}`, '1'] as const))),
  ),
  served(
    'RFC 6585 5',
    'as many fields as maxHeaderCount',
    request('/', ...Array.from({ length: 99 }, (_, i) => [`x-${i}`, '1'] as const)),
  ),
  outcome(
    '10.5.1',
    'many small references to one large field',
    ['431', 'RST ENHANCE_YOUR_CALM', ...goaway('ENHANCE_YOUR_CALM')],
    sends(
      frame(
        Frame.HEADERS,
        WHOLE,
        1,
        Buffer.concat([block, indexedLiteral(['x', 'a'.repeat(3000)]), Buffer.alloc(10_000, 0x80 | 62)]),
      ),
    ),
  ),
  outcome(
    '10.5.1',
    'CONTINUATION without end',
    ['431', 'RST ENHANCE_YOUR_CALM', ...goaway('ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR', 'INTERNAL_ERROR')],
    (client) => {
      client.send(frame(Frame.HEADERS, END_STREAM, 1, block));
      for (let i = 0; i < 200; i++)
        client.send(frame(Frame.CONTINUATION, 0, 1, headerBlock([[`x-${i}`, 'a'.repeat(500)]])));
    },
  ),
  outcome(
    '10.5',
    'empty CONTINUATION frames without end',
    goaway('ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR', 'INTERNAL_ERROR'),
    (client) => {
      client.send(frame(Frame.HEADERS, END_STREAM, 1, block));
      for (let i = 0; i < 1000; i++) client.send(frame(Frame.CONTINUATION, 0, 1));
    },
  ),
  outcome(
    '10.5',
    'empty DATA frames without end',
    goaway('ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR', 'INTERNAL_ERROR'),
    (client) => {
      client.headers(1, post(), END_HEADERS);
      for (let i = 0; i < 1000; i++) client.data(1, '', 0);
    },
  ),
];
