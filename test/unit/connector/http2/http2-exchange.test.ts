import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { AbortReason, type Exchange } from '#host/exchange/exchange.js';
import { echo } from '#test/support/echo.js';
import { readResponse } from '#test/support/http2/http2-client.js';
import { http2Pairs } from '#test/support/http2/http2-pairs.js';
import { until } from '#test/support/polling.js';
import { RawClient } from '#test/support/raw-client.js';

const serve = http2Pairs();

describe('an HTTP/2 request', () => {
  it('looks like one of HTTP/1.1', async () => {
    const { client } = await serve(echo);
    const { body, headers } = await client.request({
      ':method': 'PUT',
      ':path': '/a/./b?c=%41',
      ':authority': 'Shop.example:8080',
      'x-one': ['1', '2'],
      cookie: ['a=1', 'b=2'],
      te: 'trailers',
    });
    expect(JSON.parse(body)).toMatchObject({
      method: 'PUT',
      path: '/a/b',
      query: 'c=%41',
      version: '2.0',
      authority: 'shop.example:8080',
      bodyLength: 0,
      upgrade: null,
    });
    const { fields } = JSON.parse(body) as { fields: string[] };
    expect(fields.slice(0, 2)).toEqual(['host', 'Shop.example:8080']);
    expect(fields.filter((_, i) => fields[i - 1] === 'cookie')).toEqual(['a=1; b=2']);
    expect(fields.some((field) => field.startsWith(':'))).toBe(false);
    expect(headers['content-type']).toBe('application/json');
    expect(headers.date).toBeDefined();
  });

  it('has a body and trailers', async () => {
    const { client, server } = await serve(echo);
    const stream = client.session.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '9', 'x-forwarded-for': 'a' }));
    stream.write('one ');
    stream.end('two');
    const { body } = await readResponse(stream);
    expect(JSON.parse(body)).toMatchObject({ body: 'one two', bodyLength: -1, trailers: ['x-sum', '9'] });
    await until(() => server.results.length === 1);
    expect(server.results[0]).toMatchObject({ status: 200, bytesIn: 7, aborted: false });
  });

  it('knows the length of its body', async () => {
    const { client } = await serve(echo);
    const { body } = await client.request({ ':method': 'POST', ':path': '/', 'content-length': '4' }, 'four');
    expect(JSON.parse(body)).toMatchObject({ body: 'four', bodyLength: 4 });
  });

  it('gets 100 when it waits for it', async () => {
    const { client } = await serve(echo);
    const stream = client.start({ ':method': 'POST', ':path': '/', expect: '100-continue' }, false);
    stream.once('continue', () => stream.end('now'));
    expect(JSON.parse((await readResponse(stream)).body)).toMatchObject({ body: 'now' });
  });

  it('is refused by the rules of HTTP/1.1, and the connection goes on', async () => {
    const { client, server } = await serve(echo);
    const refused = await client.request({ ':path': '/a%2Fb' });
    expect([refused.status, refused.body]).toEqual([400, '400 Bad Request\n']);
    expect((await client.request({ ':path': '/a' })).status).toBe(200);
    expect(server.refusals).toEqual([['bad-target', 400]]);
    expect(server.refusedRequests).toEqual([['GET /a%2Fb HTTP/2.0\r\n', expect.any(Number)]]);
  });

  it('may use the same port as HTTP/1.1', async () => {
    const { client, server } = await serve(echo);
    const raw = await RawClient.open(server.port);
    raw.send('GET /one HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await raw.response())?.body.toString()).toContain('"version":"1.1"');
    raw.socket.destroy();
    expect((await client.request({ ':path': '/' })).body).toContain('"version":"2.0"');
    await until(() => server.closed === 1);
    expect(server.opened).toBe(2);
    expect(server.connector.openConnections).toBe(1);
  });
});

describe('an HTTP/2 response', () => {
  it('loses the fields of a connection, and keeps several of one name', async () => {
    const { client } = await serve((exchange) =>
      exchange.respond(
        200,
        ['Connection', 'close', 'Keep-Alive', 'x', 'Transfer-Encoding', 'chunked', 'Upgrade', 'x']
          .concat(['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Vary', 'a', 'Vary', 'b'])
          .concat(['Content-Language', 'de', 'Content-Language', 'en']),
        'ü',
      ),
    );
    const { headers, body } = await client.request({ ':path': '/' });
    expect(headers).toMatchObject({
      'set-cookie': ['a=1', 'b=2'],
      vary: 'a, b',
      'content-language': 'de, en',
      'content-length': '2',
    });
    expect(Object.keys(headers)).not.toContain('connection');
    expect(Object.keys(headers)).not.toContain('upgrade');
    expect(body).toBe('ü');
  });

  it('has no body for HEAD, 204 and 304', async () => {
    const { client, server } = await serve((exchange) =>
      exchange.respond(Number(exchange.head.path.slice(1)), ['etag', '"a"'], 'body'),
    );
    const head = await client.request({ ':method': 'HEAD', ':path': '/200' });
    expect([head.status, head.headers['content-length'], head.body]).toEqual([200, '4', '']);
    const empty = await client.request({ ':path': '/204' });
    expect([empty.status, empty.headers['content-length'], empty.body]).toEqual([204, undefined, '']);
    const same = await client.request({ ':path': '/304' });
    expect([same.status, same.body]).toEqual([304, '']);
    await until(() => server.results.length === 3);
    expect(server.results.map(({ bytesOut }) => bytesOut)).toEqual([0, 0, 0]);
  });

  it('is streamed, with trailers and hints', async () => {
    const { client } = await serve((exchange) => {
      exchange.interim(103, ['Link', '</a.css>']);
      exchange.begin(200, ['X-A', '1']);
      exchange.write(Buffer.from('one '));
      setImmediate(() => {
        exchange.write(Buffer.from('two'));
        exchange.end(['X-Sum', '7']);
      });
    });
    const response = await client.request({ ':path': '/' });
    expect(response).toMatchObject({ status: 200, body: 'one two', interim: [103] });
    expect(response.trailers).toMatchObject({ 'x-sum': '7' });
  });

  it('keeps the length the application gives', async () => {
    const { client } = await serve((exchange) => {
      exchange.begin(200, ['Content-Length', '3']);
      exchange.write(Buffer.from('abc'));
      exchange.end(['X-Sum', 'dropped']);
    });
    const response = await client.request({ ':path': '/' });
    expect([response.headers['content-length'], response.body, response.trailers]).toEqual([
      '3',
      'abc',
      undefined,
    ]);
  });

  it.each([
    ['longer', 'abcd'],
    ['shorter', 'ab'],
  ])('is reset when the body is %s than its length', async (_, body) => {
    const { client, server } = await serve((exchange) => {
      exchange.begin(200, ['Content-Length', '3']);
      exchange.write(Buffer.from(body));
      exchange.end();
    });
    await expect(client.request({ ':path': '/' })).rejects.toThrow();
    expect(server.failures.map((failure) => (failure as { code: string }).code)).toEqual([
      'PORTICO_RESPONSE_TRUNCATED',
    ]);
  });

  it.each([
    ['a line break in a value', ['X', 'a\r\nb']],
    ['a name that is no token', ['a b', 'c']],
    ['a pseudo-header', [':status', '200']],
    ['two lengths', ['Content-Length', '1', 'Content-Length', '1']],
  ])('becomes 500 when the application gives %s', async (_, fields) => {
    const { client, server } = await serve((exchange) => exchange.respond(200, fields, 'a'));
    expect((await client.request({ ':path': '/' })).status).toBe(500);
    expect(server.failures.map((failure) => (failure as { code: string }).code)).toEqual([
      'PORTICO_ILLEGAL_RESPONSE',
    ]);
  });

  it('is 500 when the handler throws, and tells the reason for an abort before it began', async () => {
    const { client } = await serve((exchange) => {
      if (exchange.head.path === '/throw') throw new Error('no');
      exchange.abort(exchange.head.path === '/late' ? AbortReason.TIMEOUT : AbortReason.REFUSED);
    });
    expect((await client.request({ ':path': '/throw' })).status).toBe(500);
    expect((await client.request({ ':path': '/late' })).status).toBe(504);
    const refused = await client.request({ ':path': '/' });
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
  });

  it('is reset by an abort once it has begun', async () => {
    const { client, server } = await serve((exchange) => {
      exchange.begin(200, []);
      exchange.write(Buffer.from('some'));
      setImmediate(() => exchange.abort(AbortReason.INSTANCE_GONE));
    });
    await expect(client.request({ ':path': '/' })).rejects.toThrow();
    await until(() => server.results.length === 1);
    expect(server.results[0]).toMatchObject({ status: 200, aborted: true });
    expect(client.session.destroyed).toBe(false);
  });

  it('that comes before the body has been read leaves the connection usable', async () => {
    const { client } = await serve((exchange) => exchange.respond(403, [], 'no'));
    const big = client.start({ ':method': 'POST', ':path': '/' }, false);
    big.on('error', () => undefined);
    const chunk = Buffer.alloc(64 * 1024);
    const timer = setInterval(() => big.writable && big.write(chunk), 1);
    const [headers] = (await once(big, 'response')) as [{ ':status': number }];
    big.resume();
    await once(big, 'close');
    clearInterval(timer);
    expect(headers[':status']).toBe(403);
    expect((await client.request({ ':path': '/' })).status).toBe(403);
  });
});

describe('a client that goes away', () => {
  it('is told to the handler by a reset of the stream', async () => {
    const reasons: number[] = [];
    const { client, server } = await serve((exchange) => listen(exchange, reasons));
    const stream = client.start({ ':path': '/' });
    stream.on('error', () => undefined);
    await until(() => server.connector.openConnections === 1 && stream.id !== undefined);
    await client.request({ ':path': '/other' }).catch(() => undefined);
    stream.close(8);
    await until(() => reasons.length > 0);
    expect(reasons[0]).toBe(AbortReason.CANCELLED);
  });

  it('is told to all handlers by the end of the connection', async () => {
    const reasons: number[] = [];
    const exchanges: Exchange[] = [];
    const { client, server } = await serve((exchange) => {
      exchanges.push(exchange);
      listen(exchange, reasons, false);
    });
    for (const path of ['/a', '/b']) client.start({ ':path': path }).on('error', () => undefined);
    await until(() => exchanges.length === 2);
    client.close();
    await until(() => reasons.length === 2);
    await until(() => server.results.length === 2);
    expect(server.results.every(({ aborted, status }) => aborted && status === 0)).toBe(true);
    await until(() => server.closed === 1);
  });
});

/** Notes aborts; answers `/other`. */
function listen(exchange: Exchange, reasons: number[], answersOther = true): void {
  exchange.listen({
    data: () => undefined,
    end: () => undefined,
    drain: () => undefined,
    aborted: (reason) => reasons.push(reason),
  });
  if (answersOther && exchange.head.path === '/other') exchange.respond(200, [], 'x');
}
