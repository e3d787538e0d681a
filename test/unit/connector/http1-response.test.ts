import { afterEach, describe, expect, it } from '@jest/globals';
import { AbortReason, type Exchange, type ExchangeHandler } from '#host/exchange/exchange.js';
import { FieldBlock } from '#host/http/field-block.js';
import { TestServer } from '#test/support/connector-server.js';
import { until } from '#test/support/polling.js';
import { headerOf, RawClient, type RawResponse } from '#test/support/raw-client.js';

let server: TestServer;
let client: RawClient;

afterEach(async () => {
  client.destroy();
  await server.stop();
});

async function ask(
  handler: ExchangeHandler,
  method = 'GET',
  version = '1.1',
  more = '',
): Promise<RawResponse> {
  server = await TestServer.start(handler);
  client = await RawClient.open(server.port);
  client.send(`${method} / HTTP/${version}\r\nHost: a\r\n${more}\r\n`);
  return (await client.response(method)) as RawResponse;
}

async function staysOpen(): Promise<boolean> {
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  return (await client.response()) !== undefined;
}

describe('Http1Exchange.respond', () => {
  it('sends status, fields, Date, length and body', async () => {
    const response = await ask((exchange) =>
      exchange.respond(201, ['X-One', '1', 'Set-Cookie', 'a', 'Set-Cookie', 'b'], 'Grüße'),
    );
    expect(response.line).toBe('HTTP/1.1 201 Created');
    expect(response.headers.map(([name]) => name)).toEqual([
      'x-one',
      'set-cookie',
      'set-cookie',
      'date',
      'content-length',
    ]);
    expect(response.body.toString()).toBe('Grüße');
    expect(Date.parse(headerOf(response, 'date') as string)).toBeGreaterThan(Date.now() - 60_000);
    expect(await staysOpen()).toBe(true);
    await until(() => server.results.length === 2);
    expect(server.results[0]).toMatchObject({ status: 201, bytesIn: 0, bytesOut: 7, aborted: false });
  });

  it('sends a field block as it is', async () => {
    const block = FieldBlock.of(['X-One', 'caf\u00e9', 'Date', 'then']);
    const response = await ask((exchange) => exchange.respond(200, block, Buffer.from([0, 255])));
    expect(headerOf(response, 'x-one')).toBe('caf\u00e9');
    expect(headerOf(response, 'date')).toBe('then');
    expect([...response.body]).toEqual([0, 255]);
  });

  it('sends a large body', async () => {
    const body = Buffer.alloc(5_000_000, 'x');
    const response = await ask((exchange) => exchange.respond(200, [], body));
    expect(response.body.equals(body)).toBe(true);
    expect(await staysOpen()).toBe(true);
  });

  it('sends no body for HEAD, and the length GET would have', async () => {
    const response = await ask((exchange) => exchange.respond(200, [], 'hello'), 'HEAD');
    expect(headerOf(response, 'content-length')).toBe('5');
    expect(await staysOpen()).toBe(true);
  });

  it.each([204, 304, 205])('sends no body with %i', async (status) => {
    const response = await ask((exchange) => exchange.respond(status, [], 'hello'));
    expect(response.body.length).toBe(0);
    expect(headerOf(response, 'content-length')).toBe(status === 205 ? '0' : undefined);
    expect(await staysOpen()).toBe(true);
  });

  it('takes out connection fields of the application', async () => {
    const fields = [
      'Connection',
      'x',
      'Keep-Alive',
      '1',
      'Transfer-Encoding',
      'chunked',
      'Upgrade',
      'h2c',
      'Proxy-Connection',
      'y',
      'TE',
      'z',
      'X',
      '1',
    ];
    const response = await ask((exchange) => exchange.respond(200, fields, 'a'));
    expect(response.headers.map(([name]) => name)).toEqual(['x', 'date', 'content-length']);
  });

  it('closes when the application asks for it', async () => {
    const response = await ask((exchange) => exchange.respond(200, ['Connection', 'close'], 'a'));
    expect(headerOf(response, 'connection')).toBe('close');
    await client.closing();
  });

  const bad: [string, number, string[]][] = [
    ['CR LF in a value', 200, ['X', 'a\r\nSet-Cookie: b']],
    ['a bare LF', 200, ['X', 'a\nb']],
    ['a NUL', 200, ['X', 'a\0']],
    ['a character above one byte', 200, ['X', '\u010a']],
    ['an empty name', 200, ['', 'a']],
    ['a blank in a name', 200, ['X Y', 'a']],
    ['a line end in a name', 200, ['X\r\nY', 'a']],
    ['an odd list', 200, ['X']],
    ['two lengths', 200, ['Content-Length', '1', 'content-length', '1']],
    ['a length that is none', 200, ['Content-Length', '1, 1']],
    ['an empty length', 200, ['Content-Length', '']],
    ['status 99', 99, []],
    ['status 600', 600, []],
    ['status 100', 100, []],
    ['status NaN', Number.NaN, []],
    ['status 200.5', 200.5, []],
  ];
  it.each(bad)('answers 500 instead of %s', async (_name, status, fields) => {
    for (const verb of ['respond', 'begin'] as const) {
      const response = await ask((exchange) => {
        if (verb === 'respond') exchange.respond(status, fields, 'a');
        else exchange.begin(status, fields);
      });
      expect(response.status).toBe(500);
      expect(response.headers.some(([name]) => name === 'set-cookie' || name === 'x')).toBe(false);
      expect(response.body.toString()).toBe('500 Internal Server Error\n');
      expect(server.failures).toHaveLength(1);
      client.destroy();
      await server.stop();
    }
  });

  it.each([
    ['longer', '2'],
    ['shorter', '10'],
  ])('closes when the body is %s than its Content-Length', async (_name, length) => {
    const response = await ask((exchange) => exchange.respond(200, ['Content-Length', length], 'hello'));
    expect(headerOf(response, 'content-length')).toBe(length);
    expect(response.isComplete).toBe(length === '2');
    await client.closing();
    expect(server.results[0]).toMatchObject({ status: 200, aborted: true });
  });

  it('may be called once', async () => {
    let thrown: unknown;
    await ask((exchange) => {
      exchange.respond(200, [], 'a');
      try {
        exchange.respond(200, [], 'b');
      } catch (error) {
        thrown = error;
      }
    });
    expect(thrown).toMatchObject({ code: 'PORTICO_ILLEGAL_EXCHANGE_CALL' });
  });

  it('answers 500 when the handler throws', async () => {
    const response = await ask(() => {
      throw new Error('secret');
    });
    expect(response.status).toBe(500);
    expect(response.body.toString()).not.toContain('secret');
    expect(server.failures).toHaveLength(1);
  });
});

describe('Http1Exchange.begin, write and end', () => {
  const stream =
    (fields: string[], pieces: string[], trailers?: string[]): ExchangeHandler =>
    (exchange) => {
      exchange.begin(200, fields);
      for (const piece of pieces) exchange.write(Buffer.from(piece));
      exchange.end(trailers);
    };

  it('chunks a body without length, with trailers', async () => {
    const response = await ask(stream([], ['hello ', '', 'world'], ['X-Sum', '1']));
    expect(response.framing).toBe('chunked');
    expect(response.body.toString()).toBe('hello world');
    expect(response.trailers).toEqual([['x-sum', '1']]);
    expect(await staysOpen()).toBe(true);
  });

  it('frames by length when one is given', async () => {
    const response = await ask(stream(['Content-Length', '11'], ['hello ', 'world']));
    expect(response.framing).toBe('length');
    expect(response.body.toString()).toBe('hello world');
    expect(await staysOpen()).toBe(true);
  });

  it('drops the body for HEAD', async () => {
    const response = await ask(stream(['Content-Length', '5'], ['hello']), 'HEAD');
    expect(headerOf(response, 'content-length')).toBe('5');
    expect(server.results[0]).toMatchObject({ bytesOut: 0 });
    expect(await staysOpen()).toBe(true);
  });

  it('ends an HTTP/1.0 body with the connection', async () => {
    const response = await ask(stream([], ['hello']), 'GET', '1.0', 'Connection: keep-alive\r\n');
    expect(response.framing).toBe('close');
    expect(headerOf(response, 'connection')).toBe('close');
    expect(response.body.toString()).toBe('hello');
  });

  it('keeps an HTTP/1.0 connection when the length is known', async () => {
    const response = await ask(
      stream(['Content-Length', '5'], ['hello']),
      'GET',
      '1.0',
      'Connection: keep-alive\r\n',
    );
    expect(headerOf(response, 'connection')).toBe('keep-alive');
    expect(await staysOpen()).toBe(true);
  });

  it.each([
    ['longer', '2', 'he'],
    ['shorter', '10', 'hello'],
  ])('cuts a body that is %s than its length', async (_name, length, seen) => {
    const response = await ask(stream(['Content-Length', length], ['hello']));
    expect(response.body.toString()).toBe(seen);
    await client.closing();
    expect(server.results[0]).toMatchObject({ aborted: true });
    expect(server.failures).toHaveLength(1);
  });

  it('cuts a chunked body on abort, without the last chunk', async () => {
    const response = await ask((exchange) => {
      exchange.begin(200, []);
      exchange.write(Buffer.from('hello'));
      setImmediate(() => exchange.abort(AbortReason.INSTANCE_GONE));
    });
    expect(response.framing).toBe('chunked');
    expect(response.isComplete).toBe(false);
  });

  it('resets an HTTP/1.0 body on abort: an orderly close would look complete', async () => {
    server = await TestServer.start((exchange) => {
      exchange.begin(200, []);
      exchange.write(Buffer.from('hello'));
      setTimeout(() => exchange.abort(AbortReason.INSTANCE_GONE), 20);
    });
    client = await RawClient.open(server.port);
    client.send('GET / HTTP/1.0\r\n\r\n');
    await client.closing();
    expect(client.error).toMatchObject({ code: 'ECONNRESET' });
  });

  const reasons: [keyof typeof AbortReason, number, boolean][] = [
    ['TIMEOUT', 504, true],
    ['INSTANCE_GONE', 502, true],
    ['PROTOCOL_ERROR', 502, true],
    ['APPLICATION_ERROR', 500, true],
    ['REFUSED', 503, true],
    ['BODY_TOO_LARGE', 413, false],
    ['BODY_TIMEOUT', 408, false],
    ['BAD_BODY', 400, false],
  ];
  it.each(reasons)('answers abort %s before begin with %i', async (reason, status, open) => {
    const response = await ask((exchange) => exchange.abort(AbortReason[reason]));
    expect(response.status).toBe(status);
    expect(headerOf(response, 'retry-after')).toBe(status === 503 ? '1' : undefined);
    expect(headerOf(response, 'connection')).toBe(open ? undefined : 'close');
    await until(() => server.results.length === 1);
    expect(server.results[0]).toMatchObject({ status, aborted: true });
  });

  it('closes without an answer when the handler cancels', async () => {
    expect(await ask((exchange) => exchange.abort(AbortReason.CANCELLED))).toBeUndefined();
    expect(server.results[0]).toMatchObject({ status: 0, aborted: true });
  });

  it('sends interim responses before the final one, not to HTTP/1.0', async () => {
    const hints: ExchangeHandler = (exchange: Exchange) => {
      exchange.interim(103, ['Link', '</a>']);
      exchange.interim(100, []);
      exchange.interim(101, []);
      exchange.respond(200, [], 'a');
      exchange.interim(103, []);
    };
    const first = await ask(hints);
    expect([first.status, headerOf(first, 'link')]).toEqual([103, '</a>']);
    expect((await client.response())?.status).toBe(200);
    client.destroy();
    await server.stop();
    expect((await ask(hints, 'GET', '1.0')).status).toBe(200);
  });
});
