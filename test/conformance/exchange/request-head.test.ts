import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import { ExchangeServer } from '#host/exchange/exchange-server.js';
import { settle, until } from '#test/support/polling.js';
import { SECRET, temporarySocket } from './ends.js';
import { END, frame, RawPeer, requestPayload, responsePayload, Type, u32 } from './raw-peer.js';

const full = {
  bits: 1 | 2 | 4,
  version: 20,
  method: 'PROPFIND',
  contextPath: '/shop',
  path: '/cart/%C3%A9',
  query: 'a=1&b',
  authority: 'shop.example:8443',
  remote: '2001:db8::1',
  local: '::1',
  bodyLength: 0n,
  fields: [
    ['Host', 'shop.example:8443'],
    ['X-Name', '\u00e9\u00ff'],
    ['X-Empty', ''],
    ['X-Blank', ' \t padded \t'],
  ] as [string, string][],
};

/** A request by TLS whose TLS part is these bytes. */
function tlsPart(...bytes: number[]): Buffer {
  return Buffer.concat([requestPayload({ bits: 33 }), Buffer.from(bytes)]);
}

const malformed: [string, RegExp, number, Buffer][] = [
  ['no payload', /0 bytes/, END, Buffer.alloc(0)],
  ['27 bytes', /27 bytes/, END, Buffer.alloc(27)],
  ['more than 64 KiB', /REQUEST has \d+ bytes/, END, Buffer.concat([requestPayload(), Buffer.alloc(65_600)])],
  ['too many fields', /1025 fields/, END, requestPayload({ fieldCount: 1025 })],
  ['a field count beyond the frame', /beyond the end/, END, requestPayload({ fieldCount: 500 })],
  ['fewer fields than text', /too many/, END, Buffer.concat([requestPayload(), Buffer.from('x')])],
  ['truncated text', /beyond the end/, END, requestPayload().subarray(0, -1)],
  ['an unknown bit', /unknown bits 64/, END, requestPayload({ bits: 64 })],
  ['a TLS part without TLS', /did not come by TLS/, END, requestPayload({ bits: 32 })],
  ['no TLS part in spite of its bit', /within its TLS part/, END, requestPayload({ bits: 33 })],
  ['a TLS part that is too short', /within its TLS part/, END, tlsPart(8, 0, 0, 0)],
  ['unknown bits in its TLS part', /unknown TLS bits 2/, END, tlsPart(0, 0, 0, 2)],
  ['trust in a client certificate that is not there', /trusts a client/, END, tlsPart(0, 0, 0, 1)],
  ['a space in the server name', /bad byte/, END, tlsPart(0, 0, 1, 0, 0x20)],
  ['an unknown HTTP version', /version 12/, END, requestPayload({ version: 12 })],
  ['no method', /method/, END, requestPayload({ method: '' })],
  ['a method with a space', /method/, END, requestPayload({ method: 'GET /' })],
  ['no path', /path/, END, requestPayload({ path: '' })],
  ['a relative path', /path/, END, requestPayload({ path: 'a' })],
  ['a path that only begins with a star', /path/, END, requestPayload({ path: '*a' })],
  ['a line end in the path', /control byte/, END, requestPayload({ path: '/a\r\nX: y' })],
  ['a space in the query', /control byte/, END, requestPayload({ query: 'a b' })],
  ['a query without its bit', /query/, END, requestPayload({ query: 'a', bits: 0 })],
  ['a context path without a slash', /context path/, END, requestPayload({ contextPath: 'shop' })],
  ['an upgrade without its bit', /upgrade/, 0, requestPayload({ upgrade: 'websocket', bits: 16 })],
  ['the upgrade bit without an upgrade', /upgrade/, 0, requestPayload({ bits: 8 | 16 })],
  ['a body length above 2^53', /2\^53/, 0, requestPayload({ bodyLength: 2n ** 60n })],
  ['a body length and the bit for none', /both/, 0, requestPayload({ bits: 16, bodyLength: 5n })],
  ['a body announced and missing', /without one/, END, requestPayload({ bodyLength: 5n })],
  ['a control byte in a field', /control byte/, END, requestPayload({ fields: [['a', 'b\nc']] })],
  ['an upgrade that ends at once', /without one/, END, requestPayload({ upgrade: 'websocket' })],
  ['unknown flags', /flags 3/, 3, requestPayload()],
];

describe('requests at the instance', () => {
  const socket = temporarySocket();
  let server: ExchangeServer;
  let peer: RawPeer;
  let arrived: Exchange[];
  let onRequest: ((exchange: Exchange) => void) | undefined;
  beforeEach(async () => {
    arrived = [];
    onRequest = undefined;
    server = new ExchangeServer({
      socketPath: socket.path,
      secret: SECRET,
      maxExchanges: 4,
      handler(exchange) {
        arrived.push(exchange);
        onRequest?.(exchange);
      },
    });
    await server.listen();
    peer = await RawPeer.connect(socket.path);
    await peer.shakeAsFront(SECRET);
  });
  afterEach(async () => {
    peer.destroy();
    await server.close(0);
  });
  afterAll(() => socket.remove());

  it('are decoded as sent', async () => {
    peer.send(frame(Type.REQUEST, END, 0, 3, requestPayload(full)));
    await until('the request', () => arrived.length > 0);
    const { head } = arrived[0] as Exchange;
    expect(head).toMatchObject({
      method: 'PROPFIND',
      contextPath: '/shop',
      path: '/cart/%C3%A9',
      query: 'a=1&b',
      version: '2.0',
      authority: 'shop.example:8443',
      bodyLength: 0,
      upgrade: undefined,
      expectsContinue: true,
    });
    expect(head.connection).toMatchObject({
      remoteAddress: '2001:db8::1',
      remotePort: 50000,
      localAddress: '::1',
      localPort: 8080,
      isSecure: true,
    });
    expect(head.fields.flat()).toEqual([
      'Host',
      'shop.example:8443',
      'X-Name',
      '\u00e9\u00ff',
      'X-Empty',
      '',
      'X-Blank',
      'padded',
    ]);
  });

  it.each([
    ['*', 0n, 0],
    ['/', 2n ** 40n + 7n, 2 ** 40 + 7],
  ])('may have the path %s and a body of %d bytes', async (path, bodyLength, expected) => {
    peer.send(frame(Type.REQUEST, 0, 0, 0, requestPayload({ path, bodyLength, method: 'OPTIONS' })));
    await until('the request', () => arrived.length > 0);
    expect(arrived[0]?.head).toMatchObject({ path, bodyLength: expected, query: undefined });
  });

  it.each(malformed)('with %s are a violation', async (_, message, flags, payload) => {
    peer.send(frame(Type.REQUEST, flags, 0, 0, payload));
    expect((await peer.next(Type.ERROR)).payload.toString('utf8', 2)).toMatch(message);
    await peer.closed();
    expect(arrived).toEqual([]);
  });

  it.each([
    ['an id above the announced count', 0, 4],
    ['a first generation other than 0', 1, 0],
  ])('with %s are a violation', async (_, generation, id) => {
    peer.send(frame(Type.REQUEST, END, generation, id, requestPayload()));
    expect((await peer.next(Type.ERROR)).payload.readUInt16BE(0)).toBe(3);
    expect(arrived).toEqual([]);
  });

  it('with an id in use are a violation', async () => {
    peer.send(
      frame(Type.REQUEST, END, 0, 0, requestPayload()),
      frame(Type.REQUEST, END, 1, 0, requestPayload()),
    );
    expect((await peer.next(Type.ERROR)).payload.toString('utf8', 2)).toMatch(/not free/);
    expect(arrived).toHaveLength(1);
    expect(arrived[0]?.isEnded).toBe(true);
  });

  it('use an id again with the next generation, around 256', async () => {
    for (let i = 0; i < 300; i++) {
      peer.send(frame(Type.REQUEST, END, i & 255, 1, requestPayload()));
      await until('the request', () => arrived.length > i);
      arrived[i]?.respond(204, [], undefined);
      expect((await peer.next()).generation).toBe(i & 255);
    }
  });

  it('may be dropped: the body of an exchange without a listener is read and its credit returned', async () => {
    peer.send(frame(Type.REQUEST, 0, 0, 0, requestPayload({ method: 'POST', bits: 16 })));
    let credit = 256 * 1024;
    for (let sent = 0; sent < 2 * 1024 * 1024; sent += 65_536) {
      while (credit < 65_536) credit += (await peer.next(Type.WINDOW)).payload.readUInt32BE(0);
      peer.send(frame(Type.DATA, 0, 0, 0, Buffer.alloc(65_536)));
      credit -= 65_536;
    }
    arrived[0]?.respond(200, [], 'dropped it');
    expect((await peer.next(Type.RESPONSE)).payload).toEqual(responsePayload(200, [], 'dropped it'));
    expect(server.activeExchanges).toBe(1);
    peer.send(frame(Type.END, 0, 0, 0));
    await until('the end', () => server.activeExchanges === 0);
    expect(() => arrived[0]?.listen({} as never)).toThrow(
      expect.objectContaining({ code: 'PORTICO_EXCHANGE_STATE' }),
    );
  });

  it('cannot be answered by the frames of an instance', async () => {
    peer.send(
      frame(Type.REQUEST, END, 0, 0, requestPayload()),
      frame(Type.RESPONSE, 0, 0, 0, responsePayload(200, [])),
    );
    expect((await peer.next(Type.ERROR)).payload.toString('utf8', 2)).toMatch(/RESPONSE is not expected/);
  });

  it('stop being read while the front does not read the answers', async () => {
    peer.socket.pause();
    const answer = Buffer.alloc(32_000);
    onRequest = (exchange) => exchange.respond(200, [], answer);
    // A front that uses ids again without having read the answer to the last use.
    for (let i = 0; i < 1500; i++) {
      peer.send(
        frame(Type.REQUEST, END, i & 255, 0, requestPayload({ fields: [['Pad', 'x'.repeat(2000)]] })),
      );
      if (i % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await settle(20);
    expect(arrived.length).toBeGreaterThan(100);
    expect(arrived.length).toBeLessThan(700);
    peer.socket.resume();
    await until('all', () => peer.frames.length === 1500);
  });

  it('may end their window credit late', async () => {
    peer.send(frame(Type.REQUEST, END, 0, 0, requestPayload()), frame(Type.PING, 0, 0, 0, Buffer.alloc(8)));
    await peer.next(Type.PONG);
    arrived[0]?.respond(200, [], 'x');
    await peer.next(Type.RESPONSE);
    peer.send(frame(Type.WINDOW, 0, 0, 0, u32(1)), frame(Type.REQUEST, END, 1, 0, requestPayload()));
    await until('the second', () => arrived.length === 2);
  });
});
