import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isWhole, readClientHello } from '#host/connector/tls/client-hello.js';

/** What Node sends first. */
async function helloOf(servername: string, protocols: readonly string[]): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', servername, ALPNProtocols: [...protocols] });
  client.on('error', () => client.destroy());
  const [socket] = (await once(server, 'connection')) as [import('node:net').Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  server.close();
  await once(server, 'close');
  return bytes;
}

/** The same message in records of so many bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

describe('a ClientHello', () => {
  let hello: Buffer;
  beforeAll(async () => {
    hello = await helloOf('Shop.example', ['acme-tls/1', 'h2']);
  });

  it('tells server name and protocols', () => {
    expect(readClientHello(hello)).toEqual({ serverName: 'shop.example', protocols: ['acme-tls/1', 'h2'] });
  });

  it('is nothing when it is cut anywhere, or is something else', () => {
    for (let end = 0; end < hello.length; end++) {
      expect(readClientHello(hello.subarray(0, end))).toBeUndefined();
      expect(isWhole(hello.subarray(0, end))).toBe(false);
    }
    expect(isWhole(hello)).toBe(true);
    expect(readClientHello(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBeUndefined();
  });

  it('may come in any number of records', () => {
    for (const size of [1, 3, 100]) {
      const bytes = inRecords(hello, size);
      expect(readClientHello(bytes)?.serverName).toBe('shop.example');
      expect(isWhole(bytes.subarray(0, -1))).toBe(false);
    }
  });

  it('is not waited for when it can never become one', () => {
    const record = (length: number) => Buffer.from([22, 3, 1, length >> 8, length & 255]);
    const enormous = Buffer.concat([record(4), Buffer.from([1, 255, 255, 255])]);
    const endless = Buffer.concat(Array(20_000).fill(Buffer.concat([record(1), Buffer.from([1])])));
    for (const bytes of [Buffer.from('hello there'), record(0), enormous, endless])
      expect(isWhole(bytes)).toBe(true);
  });

  it('may hold any bytes', () => {
    const change = fc.tuple(fc.nat({ max: 2000 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(hello);
        for (const [where, byte] of changes) bytes[where % bytes.length] = byte;
        readClientHello(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
