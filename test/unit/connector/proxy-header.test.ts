import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_BINARY_BYTES, SIGNATURE } from '#host/connector/proxy-protocol/binary-header.js';
import { crc32c } from '#host/connector/proxy-protocol/crc32c.js';
import { readProxyHeader } from '#host/connector/proxy-protocol/read-proxy-header.js';
import { binaryHeader, extension, INET, INET6, withChecksum } from '#test/support/proxy-protocol.js';

const read = (text: string) => readProxyHeader(Buffer.from(text, 'latin1'));

describe('version 1', () => {
  it.each([
    [
      'PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\n',
      { remoteAddress: '1.2.3.4', remotePort: 1000, localAddress: '5.6.7.8', localPort: 80 },
    ],
    [
      'PROXY TCP6 2001:DB8::1 ::1 65535 0\r\n',
      { remoteAddress: '2001:db8::1', remotePort: 65_535, localAddress: '::1', localPort: 0 },
    ],
    [
      'PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n',
      { remoteAddress: '1.2.3.4', remotePort: 1, localAddress: '::1', localPort: 2 },
    ],
    [
      `PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`,
      expect.objectContaining({ remotePort: 65_535 }),
    ],
    ['PROXY UNKNOWN\r\n', undefined],
    ['PROXY UNKNOWN ffff::1 what ever\r\n', undefined],
    [`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`, undefined],
  ])('%j', (text, addresses) => {
    expect(read(`${text}GET / HTTP/1.1\r\n`)).toEqual({ state: 'complete', length: text.length, addresses });
  });

  it.each([
    'PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1000 80 \r\n',
    'PROXY  TCP4 1.2.3.4 5.6.7.8 1000 80\r\n',
    'PROXY TCP4 1.2.3.4  5.6.7.8 1000 80\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1000\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 1000 65536\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 01000 80\r\n',
    'PROXY TCP4 1.2.3.4 5.6.7.8 -1 80\r\n',
    'PROXY TCP4 1.2.3.04 5.6.7.8 1 80\r\n',
    'PROXY TCP4 1.2.3 5.6.7.8 1 80\r\n',
    'PROXY TCP4 ::1 ::1 1 80\r\n',
    'PROXY TCP6 1.2.3.4 5.6.7.8 1 80\r\n',
    'PROXY TCP6 fe80::1%1 ::1 1 80\r\n',
    'PROXY TCP6 [::1] ::1 1 80\r\n',
    'PROXY TCP5 1.2.3.4 5.6.7.8 1 80\r\n',
    'PROXY UDP4 1.2.3.4 5.6.7.8 1 80\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY tcp4 1.2.3.4 5.6.7.8 1 80\r\n',
    'PROXY \r\n',
    'PROXY UNKNOWN a\rb\r\n',
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
    `PROXY UNKNOWN ${'x'.repeat(93)}`,
  ])('refuses %j', (text) => {
    expect(read(text)).toEqual({ state: 'broken' });
  });

  it.each(['GET / HTTP/1.1\r\n', 'PROXX', 'proxy ', ' PROXY ', '\r\nPROXY', '\x16\x03\x01', 'PROXY\r\n'])(
    'sees no header in %j',
    (text) => {
      expect(read(text)).toEqual({ state: 'absent' });
    },
  );
});

/** Bits of the client, result of the verification, parts. */
const ssl = (client: string, parts: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${client}\0\0\0\0`, 'latin1'), parts]);
const TLS_PARTS = Buffer.concat([
  extension(0x21, 'TLSv1.3'),
  extension(0x22, 'ann'),
  extension(0x23, 'TLS_AES_128_GCM_SHA256'),
]);

describe('version 2', () => {
  const four = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 0x03, 0xe8, 0, 80]);
  const six = Buffer.concat([
    Buffer.from('20010db8000000000000000000000001', 'hex'),
    Buffer.alloc(15),
    Buffer.from([1, 0, 1, 0, 2]),
  ]);
  const complete = (bytes: Buffer) => readProxyHeader(Buffer.concat([bytes, Buffer.from('GET')]));
  const addresses = { remoteAddress: '1.2.3.4', remotePort: 1000, localAddress: '5.6.7.8', localPort: 80 };

  it.each<[string, Buffer, object | undefined]>([
    ['TCP over IPv4', binaryHeader(INET, four), addresses],
    [
      'TCP over IPv6',
      binaryHeader(INET6, six),
      { remoteAddress: '2001:db8::1', remotePort: 1, localAddress: '::1', localPort: 2 },
    ],
    [
      'IPv4 within IPv6',
      binaryHeader(
        INET6,
        Buffer.concat([Buffer.from('00000000000000000000ffff01020304', 'hex'), six.subarray(16)]),
      ),
      expect.objectContaining({ remoteAddress: '1.2.3.4' }),
    ],
    [
      'Unix sockets',
      binaryHeader(0x31, Buffer.alloc(216, 'x')),
      { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0 },
    ],
    ['an unknown family', binaryHeader(0x00, Buffer.from('whatever')), undefined],
    ['the sender itself', binaryHeader(INET, four, 0x20), undefined],
    ['the sender itself, with an unknown family', binaryHeader(0xff, Buffer.alloc(0), 0x20), undefined],
    [
      'extensions',
      binaryHeader(
        INET,
        Buffer.concat([four, extension(0x01, 'h2'), extension(0x04, ''), extension(0xea, 'vpce')]),
      ),
      addresses,
    ],
    [
      'a checksum',
      withChecksum(
        binaryHeader(INET, Buffer.concat([four, extension(0x02, 'a.example'), extension(0x03, '\0\0\0\0')])),
      ),
      addresses,
    ],
    [
      'TLS that the sender has ended',
      binaryHeader(
        INET,
        Buffer.concat([four, extension(0x20, ssl('\x01', TLS_PARTS)), extension(0x02, 'Shop.Example')]),
      ),
      {
        ...addresses,
        isSecure: true,
        tls: expect.objectContaining({
          protocol: 'TLSv1.3',
          cipher: 'TLS_AES_128_GCM_SHA256',
          serverName: 'shop.example',
          clientCertificate: undefined,
        }),
      },
    ],
    [
      'TLS of which nothing is told',
      binaryHeader(INET, Buffer.concat([four, extension(0x20, ssl('\x01', Buffer.alloc(0)))])),
      { ...addresses, isSecure: true },
    ],
    [
      'TLS whose version is no text',
      binaryHeader(INET, Buffer.concat([four, extension(0x20, ssl('\x01', extension(0x21, 'TLS\0')))])),
      { ...addresses, isSecure: true },
    ],
    [
      'a client without TLS',
      binaryHeader(INET, Buffer.concat([four, extension(0x20, ssl('\0', TLS_PARTS))])),
      addresses,
    ],
    [
      'as much as is taken',
      binaryHeader(INET, Buffer.concat([four, extension(0x04, 'x'.repeat(MAX_BINARY_BYTES - 31))])),
      addresses,
    ],
  ])('%s', (_, bytes, expected) => {
    expect(complete(bytes)).toEqual({ state: 'complete', length: bytes.length, addresses: expected });
  });

  it.each<[string, Buffer]>([
    ['another version', binaryHeader(INET, four, 0x11)],
    ['another command', binaryHeader(INET, four, 0x22)],
    ['datagrams', binaryHeader(0x12, four)],
    ['a family that does not exist', binaryHeader(0x41, four)],
    ['an unknown family of streams', binaryHeader(0x01, four)],
    ['addresses that are too short', binaryHeader(INET, four.subarray(1))],
    ['addresses of IPv4 for IPv6', binaryHeader(INET6, four)],
    ['more than is taken', binaryHeader(INET, Buffer.alloc(MAX_BINARY_BYTES - 15))],
    ['an extension that ends in its length', binaryHeader(INET, Buffer.concat([four, Buffer.from([4, 0])]))],
    ['an extension beyond the end', binaryHeader(INET, Buffer.concat([four, Buffer.from([4, 0, 2, 0])]))],
    ['TLS that is too short', binaryHeader(INET, Buffer.concat([four, extension(0x20, '\x01\0\0\0')]))],
    [
      'TLS with a part beyond its end',
      binaryHeader(
        INET,
        Buffer.concat([
          four,
          extension(0x20, ssl('\x01', Buffer.from([0x21, 0, 9]))),
          extension(4, 'x'.repeat(20)),
        ]),
      ),
    ],
    ['a checksum that is wrong', binaryHeader(INET, Buffer.concat([four, extension(0x03, '\0\0\0\0')]))],
    ['a checksum of another length', binaryHeader(INET, Buffer.concat([four, extension(0x03, '\0\0\0')]))],
    [
      'two checksums',
      withChecksum(
        binaryHeader(INET, Buffer.concat([four, extension(0x03, '\0\0\0\0'), extension(0x03, '\0\0\0\0')])),
      ),
    ],
  ])('refuses %s', (_, bytes) => {
    expect(complete(bytes)).toEqual({ state: 'broken' });
  });

  it('has the checksum that others have', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe306_9283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a91_36aa);
  });
});

describe('any header', () => {
  const four = fc.uint8Array({ minLength: 12, maxLength: 12 });
  // Those with a form of their own have cases of their own.
  const type = fc.integer({ min: 4, max: 255 }).filter((type) => type !== 0x20);
  const extensions = fc.array(fc.tuple(type, fc.uint8Array({ maxLength: 40 })), {
    maxLength: 5,
  });
  const header = fc.oneof(
    fc
      .tuple(fc.ipV4(), fc.ipV4(), fc.nat(65_535), fc.nat(65_535))
      .map((parts) => Buffer.from(`PROXY TCP4 ${parts.join(' ')}\r\n`)),
    fc
      .tuple(four, extensions)
      .map(([addresses, list]) =>
        binaryHeader(
          INET,
          Buffer.concat([addresses, ...list.map(([type, value]) => extension(type, Buffer.from(value)))]),
        ),
      ),
  );

  it('is incomplete until its last byte, and then as long as it is', () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 30 }), (bytes, rest) => {
        for (let size = 0; size < bytes.length; size++)
          expect(readProxyHeader(bytes.subarray(0, size)).state).toBe('incomplete');
        expect(readProxyHeader(Buffer.concat([bytes, rest]))).toMatchObject({
          state: 'complete',
          length: bytes.length,
        });
      }),
    );
  });

  it('is settled after a bounded number of bytes, whatever they are', () => {
    const beginning = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from('PROXY '),
      Buffer.from('PROXY TCP4 '),
      SIGNATURE,
      binaryHeader(INET, Buffer.alloc(0)),
    );
    fc.assert(
      fc.property(
        beginning,
        fc.uint8Array({ minLength: MAX_BINARY_BYTES, maxLength: MAX_BINARY_BYTES }),
        (start, rest) => {
          expect(readProxyHeader(Buffer.concat([start, rest])).state).not.toBe('incomplete');
        },
      ),
    );
  });

  it('is never made whole by what comes later', () => {
    fc.assert(
      fc.property(header, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, place, change) => {
        const mutated = Buffer.from(bytes);
        const at = place % bytes.length;
        mutated[at] = (mutated[at] as number) ^ change;
        let settled: string | undefined;
        for (let size = 1; size <= mutated.length; size++) {
          const { state } = readProxyHeader(mutated.subarray(0, size));
          if (settled !== undefined) expect(state).toBe(settled);
          else if (state === 'broken' || state === 'absent') settled = state;
        }
      }),
    );
  });
});
