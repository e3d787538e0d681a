import { once } from 'node:events';
import { connect, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPlainServer } from '#host/connector/plain-server.js';
import type { Exchange } from '#host/exchange/exchange.js';
import { ProcessRuntime } from '#host/runtime/process/process-runtime.js';
import { TestServer } from '#test/support/connector-server.js';
import { listenTo, TestInstance } from '#test/support/instance.js';
import { RawClient } from '#test/support/raw-client.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const BYTES = 600_000;
const mount = { path: '', maxBodyBytes: 0, counters: { tunnels: 0, tooLargeBodies: 0 } };

/** Bytes that differ from those of any other number, and from place to place. */
function pattern(number: number, size = BYTES): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32BE((number * 1_000_003 + at) >>> 0, at);
  return bytes;
}

/** GET: the pattern of the number in the path, in two ways. POST: says whether the body is that pattern. */
function answer(exchange: Exchange): void {
  const { method, path } = exchange.head;
  const number = Number(path.slice(1));
  if (method === 'GET') {
    if (number % 2 === 0) exchange.respond(200, [], pattern(number));
    else {
      const bytes = pattern(number);
      let at = 0;
      const pump = (): void => {
        let goesOn = true;
        while (goesOn && at < BYTES) {
          goesOn = exchange.write(bytes.subarray(at, at + 9_000 * number));
          at += 9_000 * number;
        }
        if (at >= BYTES) exchange.end();
      };
      listenTo(exchange, { drain: pump });
      exchange.begin(200, ['Content-Length', String(BYTES)]);
      pump();
    }
    return;
  }
  const chunks: Buffer[] = [];
  listenTo(exchange, {
    data: (chunk) => {
      chunks.push(chunk);
      exchange.consumed(chunk.length);
    },
    end: () => exchange.respond(200, [], String(Buffer.concat(chunks).equals(pattern(number)))),
  });
}

describe('memory that large bodies are read into again and again', () => {
  let instance: TestInstance;
  let runtime: ProcessRuntime;
  let server: TestServer;
  let unixServer: Server;
  let path: string;
  const folder = new TemporaryFolder();

  beforeAll(async () => {
    instance = await TestInstance.start(answer);
    runtime = new ProcessRuntime(
      { instances: [instance.address], responseTimeoutMs: 0, tunnelCloseMs: 1000, retryAfterSeconds: 1 },
      () => undefined,
    );
    await runtime.connected();
    server = await TestServer.start((exchange) => runtime.handle(exchange, mount, exchange.head.path));
    unixServer = createPlainServer((socket) => server.connector.accept(socket));
    path = folder.at('s');
    unixServer.listen(path);
    await once(unixServer, 'listening');
  });

  afterAll(async () => {
    unixServer.close();
    await server.stop();
    runtime.close();
    await instance.stop();
    folder.remove();
  });

  /** The body of one answer, over a socket whose kernel holds little; read with pauses when the client is slow. */
  const bodyOf = async (number: number, isSlow: boolean): Promise<Buffer> => {
    const socket = connect(path);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (!isSlow) return;
      socket.pause();
      setTimeout(() => socket.resume(), number);
    });
    socket.write(`GET /${number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await once(socket, 'close');
    const all = Buffer.concat(chunks);
    return all.subarray(all.indexOf('\r\n\r\n') + 4);
  };

  it('never changes an answer, whether clients are fast or slow', async () => {
    const wrong: number[] = [];
    await Promise.all(
      Array.from({ length: 12 }, async (_, number) => {
        for (let time = 0; time < 3; time++)
          if (!(await bodyOf(number, number % 3 === 0)).equals(pattern(number))) wrong.push(number);
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('never changes a request, nor the one behind it on the connection', async () => {
    const wrong: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async (_, number) => {
        const head = `POST /${number} HTTP/1.1\r\nHost: a\r\nContent-Length: ${BYTES}\r\n\r\n`;
        const post = Buffer.concat([Buffer.from(head), pattern(number)]);
        const client = await RawClient.open(server.port);
        client.send(Buffer.concat([post, post, post]));
        for (let time = 0; time < 3; time++)
          if ((await client.response())?.body.toString() !== 'true') wrong.push(number);
        client.destroy();
      }),
    );
    expect(wrong).toEqual([]);
  });
});
