import { isUtf8 } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { acceptableDeflate, parseExtensions } from '#host/plugins/web-sockets/deflate-offer.js';
import { TextWatch } from '#host/plugins/web-sockets/text-watch.js';
import { Utf8Check } from '#host/plugins/web-sockets/utf8-check.js';
import { binary, close, frame, more, Opcode, ping, text } from '#test/support/web-socket/frame.js';

/** Bytes near the borders of UTF-8. */
const byte = fc.constantFrom(
  ...[0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf],
  ...[0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff],
);
const nearly = fc.array(byte, { maxLength: 6 }).map((bytes) => Buffer.from(bytes));

/** Whether some text begins with these bytes: one to three more may be needed. */
function begins(bytes: Buffer): boolean {
  const ends = ['', '80', 'a0', '90', '8080', 'a080', '9080', '808080', 'a08080', '908080'];
  return ends.some((end) => isUtf8(Buffer.concat([bytes, Buffer.from(end, 'hex')])));
}

/** Cuts bytes anywhere. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

describe('the check of UTF-8', () => {
  it('tells with the first byte that cannot be right, however the text is cut', () => {
    fc.assert(
      fc.property(nearly, fc.array(fc.nat(), { maxLength: 4 }), (bytes, places) => {
        const check = new Utf8Check();
        expect(cut(bytes, places).every((piece) => check.accept(piece))).toBe(begins(bytes));
      }),
    );
  });

  it('takes every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (string) => new Utf8Check().accept(Buffer.from(string))),
    );
  });
});

describe('the watch over texts', () => {
  const frames = fc.array(
    fc.oneof(
      fc.tuple(nearly, nearly).map(([a, b]) => [text(a, { fin: false }), ping(b), more(b)]),
      fc.string().map((string) => [text(string)]),
      nearly.map((bytes) => [binary(bytes, { fin: false }), more(bytes)]),
      nearly.map((bytes) => [text(bytes, { rsv: 4, fin: false }), more(bytes)]),
    ),
    { maxLength: 4 },
  );

  it('says the same of the same frames, cut where no frame is whole', () => {
    fc.assert(
      fc.property(frames, (messages) => {
        const bytes = Buffer.concat(messages.flat());
        const bad = messages.some(([first, , last]) => {
          if (first === undefined || last === undefined || (first[0] as number) !== Opcode.TEXT) return false;
          return !begins(Buffer.concat([unmasked(first), unmasked(last)]));
        });
        const watch = new TextWatch();
        const singly = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
        expect(singly.every((one) => watch.accept(one))).toBe(!bad);
        expect(new TextWatch().accept(bytes)).toBe(!bad);
      }),
    );
  });

  it.each([
    ['a close', [close(1000), text('', { fin: false }), more(Buffer.from([255]), { fin: false })]],
    ['a frame without a mask', [text('a', { mask: undefined }), text(Buffer.from([255]), { fin: false })]],
    ['a frame with reserved bits', [text('a', { rsv: 1 }), text(Buffer.from([255]), { fin: false })]],
    ['a continuation of nothing', [frame(Opcode.CONTINUATION, Buffer.from([255]))]],
  ])('leaves what comes with %s to ws', (_name, bytes) => {
    expect(new TextWatch().accept(Buffer.concat(bytes))).toBe(true);
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 }), (chunks) => {
        const watch = new TextWatch();
        for (const chunk of chunks) watch.accept(Buffer.from(chunk));
      }),
    );
  });
});

describe('offers of extensions', () => {
  it('are read with their parameters', () => {
    expect(parseExtensions(' a ; b ; c=d;e="f\\g" ,, h')).toEqual([
      {
        name: 'a',
        parameters: [
          ['b', undefined],
          ['c', 'd'],
          ['e', 'fg'],
        ],
      },
      { name: 'h', parameters: [] },
    ]);
  });

  it('never throw, and what is accepted is accepted as it is written', () => {
    const piece = fc.constantFrom(
      ...['permessage-deflate', ';', ',', '=', '"', ' ', '8', '10', '15', '16', '\\', 'x'],
      ...['server_max_window_bits', 'client_max_window_bits', 'server_no_context_takeover', '__proto__'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const offers = parseExtensions(pieces.join(''));
        const agreed = offers && acceptableDeflate(offers);
        if (agreed === undefined) return;
        expect(acceptableDeflate(parseExtensions(agreed) ?? [])).toBe(agreed);
      }),
    );
  });
});

/** Payload of a short masked frame. */
function unmasked(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(6).map((one, i) => one ^ (bytes[2 + (i & 3)] as number)));
}
