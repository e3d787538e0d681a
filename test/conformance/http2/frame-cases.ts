import { Flag, Frame, frame, post, request, setting, uint32 } from '#test/support/http2/frame-client.js';
import { headerBlock } from '#test/support/http2/hpack.js';
import { fatal, goaway, type Http2Case, OK, outcome, sends, survives, WHOLE } from './http2-case.js';

const { END_STREAM, END_HEADERS, PADDED, PRIORITY } = Flag;
const block = headerBlock(request());
const get = frame(Frame.HEADERS, WHOLE, 1, block);
const opened = frame(Frame.HEADERS, END_HEADERS, 1, headerBlock(post()));

/** Frames in general, and the states of a stream. */
export const STREAMS: readonly Http2Case[] = [
  survives('4.1', 'an unknown frame type is ignored', OK, sends(frame(0xee, 0xff, 0, [1, 2, 3]), get)),
  survives('4.1', 'unknown flags are ignored', OK, sends(frame(Frame.PING, 0x16, 0, Buffer.alloc(8)), get)),
  survives(
    '4.1',
    'the reserved bit is ignored',
    OK,
    sends(frame(Frame.PING, 0, 0x80000000, Buffer.alloc(8)), get),
  ),
  outcome(
    '4.2',
    'DATA above the largest frame',
    ['RST FRAME_SIZE_ERROR', ...goaway('FRAME_SIZE_ERROR')],
    sends(opened, frame(Frame.DATA, END_STREAM, 1, Buffer.alloc(16_385))),
  ),
  fatal(
    '4.2',
    'HEADERS above the largest frame',
    ['FRAME_SIZE_ERROR'],
    frame(Frame.HEADERS, WHOLE, 1, Buffer.alloc(16_385)),
  ),
  survives(
    '4.2',
    'a frame as large as allowed',
    OK,
    sends(opened, frame(Frame.DATA, END_STREAM, 1, Buffer.alloc(16_384))),
  ),
  fatal(
    '4.3',
    'a header block that cannot be decoded',
    ['COMPRESSION_ERROR'],
    frame(Frame.HEADERS, WHOLE, 1, [0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  ),
  fatal(
    '4.3',
    'PRIORITY between HEADERS and CONTINUATION',
    ['PROTOCOL_ERROR'],
    frame(Frame.HEADERS, END_STREAM, 1, block),
    frame(Frame.PRIORITY, 0, 1, [0, 0, 0, 0, 15]),
    frame(Frame.CONTINUATION, END_HEADERS, 1),
  ),
  fatal(
    '4.3',
    'HEADERS of another stream within a header block',
    ['PROTOCOL_ERROR'],
    frame(Frame.HEADERS, END_STREAM, 1, block),
    frame(Frame.HEADERS, WHOLE, 3, block),
  ),
  survives(
    '4.3',
    'a header block in two frames',
    OK,
    sends(
      frame(Frame.HEADERS, END_STREAM, 1, block.subarray(0, 9)),
      frame(Frame.CONTINUATION, END_HEADERS, 1, block.subarray(9)),
    ),
  ),
  survives(
    '4.3',
    'a header block split within a name',
    OK,
    sends(
      frame(Frame.HEADERS, END_STREAM, 1, block.subarray(0, 3)),
      frame(Frame.CONTINUATION, 0, 1, block.subarray(3, 4)),
      frame(Frame.CONTINUATION, END_HEADERS, 1, block.subarray(4)),
    ),
  ),
  fatal('5.1', 'DATA on an idle stream', ['PROTOCOL_ERROR'], frame(Frame.DATA, END_STREAM, 1, [1])),
  fatal('5.1', 'RST_STREAM on an idle stream', ['PROTOCOL_ERROR'], frame(Frame.RST_STREAM, 0, 1, uint32(8))),
  fatal(
    '5.1',
    'WINDOW_UPDATE on an idle stream',
    ['PROTOCOL_ERROR'],
    frame(Frame.WINDOW_UPDATE, 0, 1, uint32(100)),
  ),
  fatal(
    '5.1',
    'CONTINUATION on an idle stream',
    ['PROTOCOL_ERROR'],
    frame(Frame.CONTINUATION, END_HEADERS, 1, block),
  ),
  survives(
    '5.1',
    'PRIORITY on an idle stream',
    OK,
    sends(frame(Frame.PRIORITY, 0, 3, [0, 0, 0, 0, 15]), get),
  ),
  outcome(
    '5.1',
    'HEADERS of a request behind its end',
    ['RST STREAM_CLOSED', ...goaway('STREAM_CLOSED')],
    sends(frame(Frame.HEADERS, WHOLE, 1, headerBlock(request('/never'))), get),
  ),
  outcome(
    '5.1',
    'DATA behind the end of the stream',
    ['RST STREAM_CLOSED', ...goaway('STREAM_CLOSED')],
    sends(
      frame(Frame.HEADERS, WHOLE, 1, headerBlock(request('/never'))),
      frame(Frame.DATA, END_STREAM, 1, [1]),
    ),
  ),
  fatal('5.1.1', 'a stream with an even number', ['PROTOCOL_ERROR'], frame(Frame.HEADERS, WHOLE, 2, block)),
  survives('5.1.1', 'the first stream need not be 1', OK, sends(frame(Frame.HEADERS, WHOLE, 5, block)), 5),
  outcome(
    '5.3.1',
    'a stream that depends on itself',
    [...OK, 'RST PROTOCOL_ERROR', ...goaway('PROTOCOL_ERROR')],
    sends(frame(Frame.HEADERS, WHOLE | PRIORITY, 1, Buffer.concat([Buffer.from([0, 0, 0, 1, 15]), block]))),
  ),
  survives(
    '5.3',
    'priority in HEADERS is ignored',
    OK,
    sends(
      frame(Frame.HEADERS, WHOLE | PRIORITY, 1, Buffer.concat([Buffer.from([0x80, 0, 0, 0, 200]), block])),
    ),
  ),
];

/** Frame by frame. */
export const FRAMES: readonly Http2Case[] = [
  fatal('6.1', 'DATA on stream 0', ['PROTOCOL_ERROR'], frame(Frame.DATA, END_STREAM, 0, [1])),
  survives(
    '6.1',
    'DATA with padding',
    OK,
    sends(opened, frame(Frame.DATA, END_STREAM | PADDED, 1, [3, 65, 66, 0, 0, 0])),
  ),
  fatal(
    '6.1',
    'padding as long as the frame',
    ['PROTOCOL_ERROR'],
    opened,
    frame(Frame.DATA, END_STREAM | PADDED, 1, [4, 65, 66, 0]),
  ),
  fatal('6.2', 'HEADERS on stream 0', ['PROTOCOL_ERROR'], frame(Frame.HEADERS, WHOLE, 0, block)),
  survives(
    '6.2',
    'HEADERS with padding',
    OK,
    sends(frame(Frame.HEADERS, WHOLE | PADDED, 1, Buffer.concat([Buffer.from([2]), block, Buffer.alloc(2)]))),
  ),
  fatal(
    '6.2',
    'padding longer than the header block',
    ['PROTOCOL_ERROR'],
    frame(Frame.HEADERS, WHOLE | PADDED, 1, Buffer.concat([Buffer.from([255]), block])),
  ),
  fatal('6.3', 'PRIORITY on stream 0', ['PROTOCOL_ERROR'], frame(Frame.PRIORITY, 0, 0, [0, 0, 0, 1, 15])),
  outcome(
    '6.3',
    'PRIORITY of four bytes',
    ['RST FRAME_SIZE_ERROR', ...goaway('FRAME_SIZE_ERROR')],
    sends(frame(Frame.PRIORITY, 0, 1, [0, 0, 0, 1])),
  ),
  fatal('6.4', 'RST_STREAM on stream 0', ['PROTOCOL_ERROR'], frame(Frame.RST_STREAM, 0, 0, uint32(8))),
  fatal(
    '6.4',
    'RST_STREAM of three bytes',
    ['FRAME_SIZE_ERROR'],
    opened,
    frame(Frame.RST_STREAM, 0, 1, [0, 0, 8]),
  ),
  survives(
    '6.4',
    'another stream goes on behind a reset one',
    OK,
    sends(opened, frame(Frame.RST_STREAM, 0, 1, uint32(8)), frame(Frame.HEADERS, WHOLE, 3, block)),
    3,
  ),
  fatal('6.5', 'SETTINGS on a stream', ['PROTOCOL_ERROR'], frame(Frame.SETTINGS, 0, 1, setting(3, 10))),
  fatal(
    '6.5',
    'SETTINGS that are not a multiple of six bytes',
    ['FRAME_SIZE_ERROR'],
    frame(Frame.SETTINGS, 0, 0, [0, 3, 0]),
  ),
  fatal(
    '6.5',
    'SETTINGS that confirm and say something',
    ['FRAME_SIZE_ERROR'],
    frame(Frame.SETTINGS, Flag.ACK, 0, setting(3, 10)),
  ),
  fatal('6.5.2', 'ENABLE_PUSH of 2', ['PROTOCOL_ERROR'], frame(Frame.SETTINGS, 0, 0, setting(2, 2))),
  fatal(
    '6.5.2',
    'INITIAL_WINDOW_SIZE above 2^31 - 1',
    ['FLOW_CONTROL_ERROR'],
    frame(Frame.SETTINGS, 0, 0, setting(4, 2 ** 31)),
  ),
  fatal(
    '6.5.2',
    'MAX_FRAME_SIZE below 16384',
    ['PROTOCOL_ERROR'],
    frame(Frame.SETTINGS, 0, 0, setting(5, 16_383)),
  ),
  fatal(
    '6.5.2',
    'MAX_FRAME_SIZE above 2^24 - 1',
    ['PROTOCOL_ERROR'],
    frame(Frame.SETTINGS, 0, 0, setting(5, 2 ** 24)),
  ),
  survives(
    '6.5.2',
    'an unknown setting is ignored',
    OK,
    sends(frame(Frame.SETTINGS, 0, 0, setting(0x4242, 7)), get),
  ),
  fatal(
    '6.6',
    'PUSH_PROMISE of a client',
    ['PROTOCOL_ERROR'],
    opened,
    frame(Frame.PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([uint32(2), block])),
  ),
  fatal('6.7', 'PING on a stream', ['PROTOCOL_ERROR'], frame(Frame.PING, 0, 1, Buffer.alloc(8))),
  fatal('6.7', 'PING of six bytes', ['FRAME_SIZE_ERROR'], frame(Frame.PING, 0, 0, Buffer.alloc(6))),
  fatal('6.8', 'GOAWAY on a stream', ['PROTOCOL_ERROR'], frame(Frame.GOAWAY, 0, 1, Buffer.alloc(8))),
  outcome(
    '6.8',
    'GOAWAY lets what is in flight end',
    OK,
    sends(get, frame(Frame.GOAWAY, 0, 0, Buffer.alloc(8))),
  ),
  fatal(
    '6.9',
    'WINDOW_UPDATE of 0 on the connection',
    ['PROTOCOL_ERROR'],
    frame(Frame.WINDOW_UPDATE, 0, 0, uint32(0)),
  ),
  outcome(
    '6.9',
    'WINDOW_UPDATE of 0 on a stream',
    ['RST PROTOCOL_ERROR', ...goaway('PROTOCOL_ERROR')],
    sends(opened, frame(Frame.WINDOW_UPDATE, 0, 1, uint32(0))),
  ),
  fatal(
    '6.9',
    'WINDOW_UPDATE of three bytes',
    ['FRAME_SIZE_ERROR'],
    frame(Frame.WINDOW_UPDATE, 0, 0, [0, 0, 1]),
  ),
  fatal(
    '6.9.1',
    'a window of the connection above 2^31 - 1',
    ['FLOW_CONTROL_ERROR'],
    frame(Frame.WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1)),
    frame(Frame.WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1)),
  ),
  // An error of the stream by the letter; nghttp2 ends the connection with it.
  outcome(
    '6.9.1',
    'a window of a stream above 2^31 - 1',
    ['RST FLOW_CONTROL_ERROR'],
    sends(
      opened,
      frame(Frame.WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1)),
      frame(Frame.WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1)),
    ),
  ),
  outcome(
    '6.9.2',
    'a setting that lifts the window of a stream above 2^31 - 1',
    ['RST FLOW_CONTROL_ERROR', ...goaway('FLOW_CONTROL_ERROR')],
    sends(
      opened,
      frame(Frame.WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 65_536)),
      frame(Frame.SETTINGS, 0, 0, setting(4, 2 ** 31 - 1)),
    ),
  ),
  fatal(
    '6.10',
    'CONTINUATION on stream 0',
    ['PROTOCOL_ERROR'],
    frame(Frame.HEADERS, END_STREAM, 1, block),
    frame(Frame.CONTINUATION, END_HEADERS, 0),
  ),
  fatal(
    '6.10',
    'CONTINUATION behind END_HEADERS',
    ['PROTOCOL_ERROR'],
    opened,
    frame(Frame.CONTINUATION, END_HEADERS, 1, block),
  ),
  fatal(
    '6.10',
    'CONTINUATION behind DATA',
    ['PROTOCOL_ERROR'],
    opened,
    frame(Frame.DATA, 0, 1, [1]),
    frame(Frame.CONTINUATION, END_HEADERS, 1, block),
  ),
];
