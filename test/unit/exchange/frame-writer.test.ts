import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FrameType, HEADER_BYTES } from '#host/exchange/frame.js';
import { FrameWriter } from '#host/exchange/frame-writer.js';
import { until } from '#test/support/polling.js';

describe('FrameWriter', () => {
  const open: { readonly server: Server; readonly sockets: Socket[] }[] = [];
  afterEach(() => {
    for (const { server, sockets } of open.splice(0)) {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  async function connected(): Promise<{ readonly near: Socket; readonly far: Socket }> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [far] = (await once(server, 'connection')) as [Socket];
    open.push({ server, sockets: [near, far] });
    return { near, far };
  }

  it('knows how many of its bytes the system has taken, however large the frames', async () => {
    const { near, far } = await connected();
    const writer = new FrameWriter(near, () => undefined);
    let received = 0;
    for (const size of [10, 20_000, 100, 90_000, 0]) {
      writer.frame(Buffer.alloc(size), FrameType.DATA, 0, 0, 1);
      expect(writer.sentBytes).toBeLessThanOrEqual(writer.givenBytes);
    }
    expect(writer.givenBytes).toBe(110_110 + 5 * HEADER_BYTES);
    far.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    await until('all has come', () => received === writer.givenBytes);
    await until('the writer knows it', () => writer.sentBytes === writer.givenBytes);
  });

  it('does not take for sent what waits for a peer that does not read', async () => {
    const { near, far } = await connected();
    far.pause();
    const writer = new FrameWriter(near, () => undefined);
    const chunk = Buffer.alloc(100_000, 1);
    // Until it waits: so much the kernel takes on its way.
    while (near.writableLength === 0 || writer.givenBytes < 8_000_000) {
      writer.frame(chunk, FrameType.DATA, 0, 0, 1);
      writer.flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const given = writer.givenBytes;
    expect(writer.sentBytes).toBeLessThan(given);
    const before = writer.sentBytes;
    let received = 0;
    far.on('data', (bytes: Buffer) => {
      received += bytes.length;
    });
    far.resume();
    await until('all has come', () => received === given);
    await until('the writer knows it', () => writer.sentBytes === given);
    expect(before).toBeLessThanOrEqual(received);
  });

  it('owes nothing once it is closed', async () => {
    const { near } = await connected();
    const writer = new FrameWriter(near, () => undefined);
    writer.frame(Buffer.alloc(20_000), FrameType.DATA, 0, 0, 1);
    writer.frame(Buffer.alloc(10), FrameType.DATA, 0, 0, 1);
    writer.close();
    await until('the socket has sent what it had', () => near.writableLength === 0);
    expect(writer.sentBytes).toBe(writer.givenBytes);
  });
});
