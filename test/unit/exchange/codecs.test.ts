import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sizeOf, writeFields } from '#host/exchange/field-codec.js';
import { ProtocolViolation } from '#host/exchange/frame.js';
import { decodeError, encodeError } from '#host/exchange/hello.js';
import { sizeOfRequest, WireRequestHead, writeRequest } from '#host/exchange/request-codec.js';
import {
  checkResponse,
  fieldsOf,
  readTrailers,
  sizeOfResponse,
  sizeOfTrailers,
  statusOf,
  writeResponse,
  writeTrailers,
} from '#host/exchange/response-codec.js';
import { ClientCertificate, TlsInfo } from '#host/exchange/tls-info.js';
import { FieldBlock } from '#host/http/field-block.js';

const name = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}$/);
const value = fc
  .array(
    fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f),
    { maxLength: 200 },
  )
  .map((codes) => String.fromCharCode(...codes));
const visible = fc.stringMatching(/^[!-~]{0,100}$/);
const section = fc.array(fc.tuple(name, value), { maxLength: 20 }).map((pairs) => pairs.flat());

describe('response heads and trailers', () => {
  it('come back as they were, from strings and from blocks', () => {
    fc.assert(
      fc.property(section, fc.integer({ min: 200, max: 999 }), fc.boolean(), (flat, status, isBlock) => {
        const fields = isBlock ? FieldBlock.of(flat) : flat;
        const bytes = Buffer.alloc(sizeOfResponse(fields) + 3);
        const end = writeResponse(status, fields, bytes, 3);
        expect(end).toBe(bytes.length);
        expect(checkResponse(bytes, 3, end)).toBe(end);
        expect([statusOf(bytes, 3), fieldsOf(bytes, 3).flat()]).toEqual([status, flat]);
        if (flat.length === 0) return;
        const trailers = Buffer.alloc(sizeOfTrailers(fields));
        expect(readTrailers(trailers, 0, writeTrailers(fields, trailers, 0))?.flat()).toEqual(flat);
      }),
    );
  });

  it('are refused or read whole, whatever bytes come', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        const bytes = Buffer.from(random);
        refusedOr(() => {
          const end = checkResponse(bytes, 0, bytes.length);
          expect(end).toBeLessThanOrEqual(bytes.length);
          fieldsOf(bytes, 0).flat();
        });
        refusedOr(() => readTrailers(bytes, 0, bytes.length)?.flat());
      }),
      { numRuns: 2000 },
    );
  });

  it('take no field that would read as another one', () => {
    const bytes = Buffer.alloc(1000);
    for (const bad of ['a\r', 'a\n', 'a\0', '\u0100', '\ud83d\ude00', '\x7f']) {
      expect(() => writeFields(['x', bad], bytes, 0, 4)).toThrow(/PORTICO|cannot be sent/);
      expect(() => writeFields([bad, 'x'], bytes, 0, 4)).toThrow(/cannot be sent/);
    }
  });

  it('count names and values beyond what a head may have as too large', () => {
    expect(() => sizeOf(['a', 'x'.repeat(65_535)])).toThrow(
      expect.objectContaining({ code: 'PORTICO_EXCHANGE_HEAD_TOO_LARGE' }),
    );
    expect(sizeOf(['a', 'x'.repeat(65_000)])).toBe(65_005);
  });
});

describe('request heads', () => {
  const request = fc.record({
    method: name,
    path: visible.map((text) => `/${text}`),
    contextPath: visible.map((text) => (text === '' ? '' : `/${text}`)),
    query: fc.option(visible, { nil: undefined }),
    version: fc.constantFrom('1.0', '1.1', '2.0'),
    fields: section.map((flat) => FieldBlock.of(flat)),
    authority: visible,
    bodyLength: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
    upgrade: fc.option(name, { nil: undefined }),
    expectsContinue: fc.boolean(),
    connection: fc.record({
      remoteAddress: visible,
      remotePort: fc.integer({ min: 0, max: 65_535 }),
      localAddress: visible,
      localPort: fc.integer({ min: 0, max: 65_535 }),
      isSecure: fc.boolean(),
    }),
  });
  const tlsText = fc.string({ unit: fc.constantFrom(...'aZ09_.-'), maxLength: 255 });
  const tls = fc
    .record({
      protocol: tlsText,
      cipher: tlsText,
      serverName: tlsText,
      der: fc.uint8Array(),
      trusts: fc.boolean(),
    })
    .map(({ protocol, cipher, serverName, der, trusts }) => {
      const clientCertificate =
        der.length === 0 ? undefined : new ClientCertificate(Buffer.from(der), trusts);
      return new TlsInfo({
        protocol,
        cipher,
        serverName: serverName === '' ? undefined : serverName,
        clientCertificate,
      });
    });

  it('carry what TLS tells', () => {
    fc.assert(
      fc.property(request, tls, (plain, info) => {
        const head = { ...plain, connection: { ...plain.connection, isSecure: true, tls: info } };
        const bytes = Buffer.alloc(sizeOfRequest(head, head.path, head.contextPath));
        expect(writeRequest(head, head.path, head.contextPath, bytes, 0)).toBe(bytes.length);
        const back = new WireRequestHead(bytes, 0, bytes.length);
        expect(back.fields.flat()).toEqual(head.fields.flat());
        const { protocol, cipher, serverName, clientCertificate: client } = back.connection.tls as TlsInfo;
        expect([protocol, cipher, serverName]).toEqual([info.protocol, info.cipher, info.serverName]);
        expect([client?.der, client?.isAuthorized]).toEqual([
          info.clientCertificate?.der,
          info.clientCertificate?.isAuthorized,
        ]);
        for (let end = 0; end < bytes.length; end += 7)
          refusedOr(() => readAll(new WireRequestHead(bytes, 0, end)));
      }),
    );
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(request, (head) => {
        const bytes = Buffer.alloc(sizeOfRequest(head, head.path, head.contextPath));
        expect(writeRequest(head, head.path, head.contextPath, bytes, 0)).toBe(bytes.length);
        const { fields, connection, ...rest } = head;
        const back = new WireRequestHead(bytes, 0, bytes.length);
        expect(back.fields.flat()).toEqual(fields.flat());
        for (const [key, expected] of Object.entries({ ...rest, ...connection }))
          expect([key, back[key as keyof WireRequestHead]]).toEqual([key, expected]);
      }),
    );
  });

  it('are refused or read whole when bytes of them were changed, cut or added', () => {
    const change = fc.tuple(
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 0, max: 255 }),
    );
    fc.assert(
      fc.property(
        request,
        fc.array(change, { maxLength: 4 }),
        fc.integer({ min: -5, max: 5 }),
        (head, changes, more) => {
          const bytes = Buffer.alloc(sizeOfRequest(head, head.path, head.contextPath) + 5);
          const end = writeRequest(head, head.path, head.contextPath, bytes, 0) + more;
          for (const [where, byte] of changes) bytes[Math.floor(where * where * end)] = byte;
          refusedOr(() => readAll(new WireRequestHead(bytes, 0, end)));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('know usual methods and all others', () => {
    for (const method of ['GET', 'POST', 'PUT', 'HEAD', 'PATCH', 'GET2', 'POXT', 'get', 'POLT']) {
      const head = {
        method,
        path: '/',
        query: undefined,
        version: '1.1',
        fields: FieldBlock.EMPTY,
        authority: '',
        bodyLength: 0,
        upgrade: undefined,
        expectsContinue: false,
        connection: { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0, isSecure: false },
      };
      const bytes = Buffer.alloc(100);
      const end = writeRequest(head, '/', '', bytes, 0);
      expect(new WireRequestHead(bytes, 0, end).method).toBe(method);
    }
  });
});

describe('the text of an error', () => {
  it('is cut and made printable, whatever it was', () => {
    expect(decodeError(encodeError(new ProtocolViolation('é'.repeat(1000)))).text.length).toBeLessThan(600);
    expect(decodeError(Buffer.alloc(0))).toEqual({ code: 'PORTICO_EXCHANGE_PROTOCOL', text: '""' });
    expect(decodeError(Buffer.from('\0\x09a\nb'))).toEqual({
      code: 'PORTICO_EXCHANGE_PROTOCOL',
      text: '"a\\nb"',
    });
  });
});

function refusedOr(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error;
  }
}

/** Asks for everything, and finds it within bounds. */
function readAll(head: WireRequestHead): void {
  const texts = [
    head.method,
    head.contextPath,
    head.path,
    head.query,
    head.authority,
    head.upgrade,
    head.version,
  ];
  const { connection } = head;
  expect([...texts, connection.remoteAddress, connection.localAddress].join('')).not.toMatch(/[\r\n\0 ]/);
  expect(head.fields.flat().join('')).not.toMatch(/[\r\n\0]/);
  expect(head.bodyLength).toBeGreaterThanOrEqual(-1);
  expect(head.path[0] === '/' || head.path === '*').toBe(true);
}
