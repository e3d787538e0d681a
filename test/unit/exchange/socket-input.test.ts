import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readFrom } from '#host/exchange/socket-input.js';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** Both ends of one connection. */
async function connected(): Promise<{ readonly client: Socket; readonly accepted: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const [accepted] = (await once(server, 'connection')) as [Socket];
  return { client, accepted };
}

/** Collects chunks, and waits for a number of bytes. */
class Chunks {
  readonly all: Buffer[] = [];
  #wake: () => void = () => undefined;

  readonly take = (chunk: Buffer): void => {
    this.all.push(chunk);
    this.#wake();
  };

  async reach(bytes: number): Promise<string> {
    while (Buffer.concat(this.all).length < bytes)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    return Buffer.concat(this.all).toString('latin1');
  }
}

describe('readFrom', () => {
  it('reads accepted sockets without an event for each chunk', async () => {
    const { client, accepted } = await connected();
    const chunks = new Chunks();
    readFrom(accepted, chunks.take);
    client.write('hello');
    expect(await chunks.reach(5)).toBe('hello');
    expect(accepted.listenerCount('data')).toBe(0);
    client.destroy();
    accepted.destroy();
  });

  it('never writes into a chunk that it has given away', async () => {
    const { client, accepted } = await connected();
    const chunks = new Chunks();
    readFrom(accepted, chunks.take);
    const text = ['a', 'b', 'c'].map((letter) => letter.repeat(letter === 'b' ? 9000 : 100));
    let length = 0;
    for (const part of text) {
      client.write(part);
      length += part.length;
      await chunks.reach(length);
    }
    expect(await chunks.reach(length)).toBe(text.join(''));
    client.destroy();
    accepted.destroy();
  });

  it('reads into the memory that is named for the next chunk, and elsewhere again behind it', async () => {
    const { client, accepted } = await connected();
    const chunks = new Chunks();
    const place = Buffer.alloc(6);
    let filled = 0;
    const room = (): Buffer | undefined => {
      const due = chunks.all.length === 0 || filled === place.length ? 0 : place.length - filled;
      return due === 0 ? undefined : place.subarray(filled);
    };
    readFrom(
      accepted,
      (chunk) => {
        if (chunk.buffer === place.buffer) filled += chunk.length;
        chunks.take(chunk);
      },
      room,
    );
    let length = 0;
    for (const text of ['ab', 'cdefghij', 'kl']) {
      client.write(text);
      length += text.length;
      await chunks.reach(length);
    }
    expect(await chunks.reach(length)).toBe('abcdefghijkl');
    // The second chunk was read when its room was not asked for yet, or in its place: never partly lost.
    expect(place.subarray(0, filled).toString()).toBe('cdefgh'.slice(0, filled));
    expect(filled).toBe(6);
    client.destroy();
    accepted.destroy();
  });

  it('reads nothing while the socket is paused', async () => {
    const { client, accepted } = await connected();
    const chunks = new Chunks();
    readFrom(accepted, (chunk) => {
      chunks.take(chunk);
      accepted.pause();
    });
    client.write('one');
    await chunks.reach(3);
    await new Promise<void>((resolve) => client.write('two', () => resolve()));
    // Two turns of the event loop on one machine: it would have arrived.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(chunks.all.length).toBe(1);
    accepted.resume();
    expect(await chunks.reach(6)).toBe('onetwo');
    client.destroy();
    accepted.destroy();
  });

  it('tells the end of the other side', async () => {
    const { client, accepted } = await connected();
    readFrom(accepted, () => undefined);
    client.end();
    await once(accepted, 'end');
    accepted.end();
    await once(accepted, 'close');
    expect(accepted.destroyed).toBe(true);
  });

  it('reads whatever is no plain socket by its data event', async () => {
    const stream = new PassThrough();
    const chunks = new Chunks();
    readFrom(stream as unknown as Socket, chunks.take);
    stream.write('hello');
    expect(await chunks.reach(5)).toBe('hello');
  });
});
