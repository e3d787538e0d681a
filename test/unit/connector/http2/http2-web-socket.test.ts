import { once } from 'node:events';
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { describe, expect, it } from '@jest/globals';
import {
  AbortReason,
  type Exchange,
  type ExchangeHandler,
  type RequestHead,
} from '#host/exchange/exchange.js';
import { type Http2Client, readResponse } from '#test/support/http2/http2-client.js';
import { http2Pairs } from '#test/support/http2/http2-pairs.js';
import { until } from '#test/support/polling.js';

const serve = http2Pairs();

/** RFC 8441 §5.1. */
function connectWebSocket(client: Http2Client): ClientHttp2Stream {
  return client.start(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/chat?room=1',
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'chat',
    },
    false,
  );
}

/** Sends back what it gets; ends when the client does. */
function echoTunnel(exchange: Exchange): void {
  exchange.listen({
    data: (bytes) => {
      exchange.consumed(bytes.length);
      exchange.write(bytes);
    },
    end: () => exchange.end(),
    drain: () => undefined,
    aborted: () => undefined,
  });
  exchange.begin(101, [
    'Sec-WebSocket-Accept',
    'x',
    'Sec-WebSocket-Protocol',
    'chat',
    'Connection',
    'Upgrade',
  ]);
}

describe('a WebSocket over HTTP/2', () => {
  it('is an ordinary upgrade for whoever answers', async () => {
    const heads: RequestHead[] = [];
    const { client, server } = await serve((exchange) => {
      heads.push(exchange.head);
      echoTunnel(exchange);
    });
    const stream = connectWebSocket(client);
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    expect(headers).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'chat' });
    expect(Object.keys(headers)).not.toContain('sec-websocket-accept');
    expect(Object.keys(headers)).not.toContain('content-length');
    const [head] = heads;
    expect(head).toMatchObject({
      method: 'GET',
      path: '/chat',
      query: 'room=1',
      upgrade: 'websocket',
      bodyLength: -1,
    });
    expect(head?.fields.get('upgrade')).toBe('websocket');
    expect(Buffer.from(head?.fields.get('sec-websocket-key') ?? '', 'base64').length).toBe(16);
    expect(head?.fields.flat().some((text) => text.startsWith(':'))).toBe(false);

    for (const text of ['one', 'two']) {
      stream.write(text);
      const [bytes] = (await once(stream, 'data')) as [Buffer];
      expect(bytes.toString()).toBe(text);
    }
    stream.end();
    await once(stream, 'close');
    await until(() => server.results.length === 1);
    expect(server.results[0]).toMatchObject({ status: 101, bytesIn: 6, bytesOut: 6, aborted: false });
  });

  it('carries much, both ways at once', async () => {
    const { client } = await serve((exchange) => echoTunnel(exchange));
    const stream = connectWebSocket(client);
    await once(stream, 'response');
    const total = 4 * 1024 * 1024;
    let received = 0;
    stream.on('data', (bytes: Buffer) => {
      received += bytes.length;
    });
    stream.end(Buffer.alloc(total, 'a'));
    await once(stream, 'end');
    expect(received).toBe(total);
  });

  it('may be refused with any status', async () => {
    const { client } = await serve((exchange) => exchange.respond(403, [], 'no'));
    const response = await readResponse(connectWebSocket(client));
    expect([response.status, response.body]).toEqual([403, 'no']);
    expect(client.session.destroyed).toBe(false);
  });

  it.each<[string, ExchangeHandler]>([
    ['at once', (exchange) => exchange.respond(200, ['X', '1'], 'a page')],
    ['without a body', (exchange) => exchange.respond(204, [], undefined)],
    [
      'piece by piece',
      (exchange) => {
        exchange.begin(200, ['Content-Length', '6']);
        expect(exchange.write(Buffer.from('a page'))).toBe(true);
        exchange.end();
      },
    ],
  ])('is not open because a handler that knows no upgrade answers with 2xx, %s', async (_how, handler) => {
    const { client, server } = await serve(handler);
    const response = await readResponse(connectWebSocket(client));
    expect(response.status).toBe(501);
    expect(response.body).not.toContain('a page');
    await until(() => server.results.length === 1);
    expect(server.results[0]).toMatchObject({ status: 501, aborted: false });
  });

  it('tells when the client resets it', async () => {
    const reasons: number[] = [];
    const { client, server } = await serve((exchange) => {
      exchange.listen({
        data: () => undefined,
        end: () => undefined,
        drain: () => undefined,
        aborted: (reason) => reasons.push(reason),
      });
      exchange.begin(101, []);
    });
    const stream = connectWebSocket(client);
    stream.on('error', () => undefined);
    await once(stream, 'response');
    stream.close(8);
    await until(() => reasons.length === 1);
    expect(reasons).toEqual([AbortReason.CANCELLED]);
    await until(() => server.results.length === 1);
    expect(server.results[0]).toMatchObject({ status: 101, aborted: true });
  });
});
