import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import { http2Pairs } from '#test/support/http2/http2-pairs.js';
import { settle, until } from '#test/support/polling.js';

const serve = http2Pairs();

const MIB = 1024 * 1024;

describe('flow control of HTTP/2', () => {
  it('stops an application that writes faster than the client reads', async () => {
    const chunk = Buffer.alloc(16 * 1024, 'a');
    const total = 16 * MIB;
    let written = 0;
    let drains = 0;
    const pump = (exchange: Exchange): void => {
      while (written < total) {
        written += chunk.length;
        if (!exchange.write(chunk)) return;
      }
      exchange.end();
    };
    const { client } = await serve((exchange) => {
      exchange.listen({
        data: () => undefined,
        end: () => undefined,
        drain: () => {
          drains++;
          pump(exchange);
        },
        aborted: () => undefined,
      });
      exchange.begin(200, []);
      pump(exchange);
    });
    const stream = client.start({ ':path': '/' });
    stream.pause();
    await once(stream, 'response');
    await settle(30);
    // One window of the client, what it buffers, and what waits here.
    expect(written).toBeLessThan(2 * MIB);
    let received = 0;
    stream.on('data', (bytes: Buffer) => {
      received += bytes.length;
    });
    stream.resume();
    await once(stream, 'end');
    expect(received).toBe(total);
    expect(drains).toBeGreaterThan(10);
  });

  it('stops a client that sends faster than the application reads', async () => {
    let received = 0;
    const { client } = await serve((exchange) => {
      if (exchange.head.path === '/other') {
        exchange.respond(200, [], 'done');
        return;
      }
      exchange.listen({
        data: (bytes) => {
          received += bytes.length;
        },
        end: () => undefined,
        drain: () => undefined,
        aborted: () => undefined,
      });
    });
    const stream = client.start({ ':method': 'POST', ':path': '/' }, false);
    stream.on('error', () => undefined);
    stream.end(Buffer.alloc(4 * MIB, 'a'));
    await until(() => received > 0);
    await settle(30);
    expect(received).toBeLessThanOrEqual(256 * 1024);
    // The window of the connection is not used up by it (RFC 9113 §5.2.2).
    expect((await client.request({ ':path': '/other' })).body).toBe('done');
    stream.close(8);
  });

  it('goes on when the application has read', async () => {
    let received = 0;
    const { client } = await serve((exchange) => {
      exchange.listen({
        data: (bytes) => {
          received += bytes.length;
          setImmediate(() => exchange.consumed(bytes.length));
        },
        end: () => exchange.respond(200, [], String(received)),
        drain: () => undefined,
        aborted: () => undefined,
      });
    });
    const response = await client.request({ ':method': 'POST', ':path': '/' }, Buffer.alloc(8 * MIB, 'a'));
    expect(response.body).toBe(String(8 * MIB));
  });

  it('delivers what is left when credit comes behind the end of the body', async () => {
    let exchange: Exchange | undefined;
    let received = 0;
    const { client } = await serve((one) => {
      exchange = one;
      one.listen({
        data: (bytes) => {
          received += bytes.length;
        },
        end: () => one.respond(200, [], String(received)),
        drain: () => undefined,
        aborted: () => undefined,
      });
    });
    const size = 256 * 1024 + 10_000;
    const response = client.request({ ':method': 'POST', ':path': '/' }, Buffer.alloc(size, 'a'));
    await until(() => received === 256 * 1024);
    await settle();
    exchange?.consumed(256 * 1024);
    expect((await response).body).toBe(String(size));
  });
});
