import { afterEach, describe, expect, it } from '@jest/globals';
import type { WaivableRule, Waiver } from '#host/connector/waiver.js';
import { TestServer } from '#test/support/connector-server.js';
import { echo } from '#test/support/echo.js';
import { headerOf, RawClient, type RawResponse } from '#test/support/raw-client.js';

const HOST = '\r\nHost: a.example\r\n';
let server: TestServer;
let client: RawClient;
let asked: string[] = [];

/** Sends one request to a connector that waives these rules, and says what it was asked. */
async function ask(
  request: string,
  waived: readonly WaivableRule[] | undefined,
  method = 'GET',
): Promise<RawResponse | undefined> {
  asked = [];
  const waives: Waiver | undefined =
    waived &&
    ((rule, head) => {
      asked.push(`${rule} ${head.method} ${head.authority} ${head.path}`);
      return waived.includes(rule);
    });
  server = await TestServer.start(echo, {}, { waives });
  client = await RawClient.open(server.port);
  client.send(request);
  return client.response(method);
}

afterEach(async () => {
  client.destroy();
  await server.stop();
});

const BOTH: readonly WaivableRule[] = ['malformed-escapes', 'trace'];

describe('a rule that may be waived', () => {
  it('holds without a waiver', async () => {
    expect((await ask(`GET /%zz HTTP/1.1${HOST}\r\n`, undefined))?.status).toBe(400);
    expect(server.refusals).toEqual([['bad-target', 400]]);
    await server.stop();
    expect((await ask(`TRACE / HTTP/1.1${HOST}\r\n`, undefined))?.status).toBe(405);
    expect(server.refusals).toEqual([['method-not-allowed', 405]]);
  });

  it('holds for a request whose application does not waive it, answered, counted and logged as without a waiver', async () => {
    for (const [request, reason, status] of [
      [`GET /%zz?q HTTP/1.1${HOST}X: y\r\n\r\nGET /next HTTP/1.1${HOST}\r\n`, 'bad-target', 400],
      [`TRACE /x HTTP/1.1${HOST}\r\nGET /next HTTP/1.1${HOST}\r\n`, 'method-not-allowed', 405],
    ] as const) {
      const strict = await ask(request, undefined);
      const { refusals, refusedRequests } = server;
      const seen = { refusals, refusedRequests, results: server.results };
      client.destroy();
      await server.stop();
      const refused = await ask(request, []);
      expect(asked).toHaveLength(1);
      expect({ ...refused, headers: refused?.headers.filter(([name]) => name !== 'date') }).toEqual({
        ...strict,
        headers: strict?.headers.filter(([name]) => name !== 'date'),
      });
      expect(refused?.status).toBe(status);
      expect(refused && headerOf(refused, 'connection')).toBe('close');
      expect(await client.response()).toBeUndefined();
      expect({
        refusals: server.refusals,
        refusedRequests: server.refusedRequests,
        results: server.results,
      }).toEqual(seen);
      expect(server.refusals).toEqual([[reason, status]]);
      client.destroy();
      await server.stop();
    }
    await ask(`GET / HTTP/1.1${HOST}\r\n`, []);
  });

  it('gives the application the path as it was sent, and the connection goes on', async () => {
    const first = await ask(`GET //%41/%zz%41?q=%zz HTTP/1.1${HOST}\r\nGET /ok HTTP/1.1${HOST}\r\n`, [
      'malformed-escapes',
    ]);
    expect(JSON.parse(first?.body.toString() ?? '')).toMatchObject({ path: '/A/%zz%41', query: 'q=%zz' });
    expect(asked).toEqual(['malformed-escapes GET a.example /A/%zz%41']);
    expect((await client.response())?.status).toBe(200);
    expect(asked).toHaveLength(1);
    expect(server.refusals).toEqual([]);
  });

  it('gives the application a TRACE', async () => {
    const answer = await ask(`TRACE /x HTTP/1.1${HOST}Max-Forwards: 0\r\n\r\n`, ['trace']);
    expect(answer?.status).toBe(200);
    expect(JSON.parse(answer?.body.toString() ?? '')).toMatchObject({ method: 'TRACE', path: '/x' });
    expect(asked).toEqual(['trace TRACE a.example /x']);
  });

  it('sees the host of an absolute target', async () => {
    await ask(`GET http://B.example/%zz HTTP/1.1\r\nHost: b.example\r\n\r\n`, BOTH);
    expect(asked).toEqual(['malformed-escapes GET b.example /%zz']);
  });

  it.each([
    ['/%zz', ['malformed-escapes']],
    ['/%zz', ['trace']],
    ['/%zz', []],
  ] as const)('needs both to be waived for TRACE %s: %j is not enough', async (path, waived) => {
    expect((await ask(`TRACE ${path} HTTP/1.1${HOST}\r\n`, waived))?.status).toBe(405);
    expect(server.refusals).toEqual([['method-not-allowed', 405]]);
  });

  it('lets a request pass for which both are waived', async () => {
    expect((await ask(`TRACE /%zz HTTP/1.1${HOST}\r\n`, BOTH))?.status).toBe(200);
  });

  it.each([
    ['GET /%zz/%2F', 400],
    ['GET /%zz%00', 400],
    ['GET /%zz/../..', 400],
    ['GET /%zz\\', 400],
    ['GET /%C0%AF', 400],
    ['GET /%zz#x', 400],
    ['GET ftp://a.example/%zz', 400],
    ['GET http://b.example/%zz', 400],
    ['TRACE /../x', 405],
    ['TRACE *', 405],
    ['CONNECT a.example:80', 501],
  ])('asks nobody about %s', async (line, status) => {
    expect((await ask(`${line} HTTP/1.1${HOST}\r\n`, BOTH))?.status).toBe(status);
    expect(asked).toEqual([]);
  });

  it('holds for a TRACE that is wrong in another way', async () => {
    expect((await ask(`TRACE / HTTP/1.1${HOST}Expect: x\r\n\r\n`, BOTH))?.status).toBe(405);
    client.destroy();
    await server.stop();
    expect((await ask(`TRACE / HTTP/1.1${HOST}${HOST.slice(2)}\r\n`, BOTH))?.status).toBe(400);
    expect(asked).toEqual([]);
  });
});
