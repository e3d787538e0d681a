import type { Server, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Application, ApplicationCallPipeline, ConsoleLog } from 'portico';
import { embeddedServer, Node } from 'portico/embedded';
import { portOf } from '#test/support/embedded-engine.js';
import { RawClient, type RawResponse } from '#test/support/raw-client.js';

type Engine = ReturnType<typeof embeddedServer>;

describe('an answer in one piece on node:http', () => {
  const running: Engine[] = [];
  afterEach(async () => {
    for (const engine of running.splice(0)) await engine.stop(0, 2000);
  });

  async function start(
    answer: (call: Parameters<Parameters<Application['intercept']>[1]>[0]['context']) => unknown,
    configureServer?: (server: Server) => void,
  ): Promise<RawClient> {
    const settings = { port: 0, host: '127.0.0.1', log: new ConsoleLog('silent') };
    const engine = embeddedServer(
      Node,
      configureServer === undefined ? settings : { ...settings, configureServer },
      (application) =>
        application.intercept(ApplicationCallPipeline.Call, ({ context: call }) => answer(call)),
    );
    running.push(engine);
    await engine.start();
    return await RawClient.open(await portOf(engine));
  }

  async function ask(client: RawClient, head = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'): Promise<RawResponse> {
    client.send(head);
    return (await client.response()) as RawResponse;
  }

  it.each([
    ['ASCII', 'hello'],
    ['other text', 'grüße €'],
    ['nothing', ''],
    ['much', 'a'.repeat(300_000)],
    ['bytes', Buffer.from([0, 1, 0xff])],
  ])('has fields of ISO-8859-1 and its length with a body of %s, twice', async (_, body) => {
    const client = await start((call) => {
      call.response.header('X-Name', 'Zoë');
      return typeof body === 'string' ? call.respondText(body) : call.respondBytes(body);
    });
    for (let i = 0; i < 2; i++) {
      const answer = await ask(client);
      expect(answer.body.equals(Buffer.from(body))).toBe(true);
      expect(answer.headers).toContainEqual(['x-name', 'Zoë']);
      expect(answer.headers).toContainEqual(['content-length', String(Buffer.byteLength(body))]);
      expect(answer.headers).toContainEqual(['connection', 'keep-alive']);
      expect(answer.headers.filter(([name]) => name === 'date')).toHaveLength(1);
    }
    client.socket.destroy();
  });

  it('keeps the date of the application, and no fields of the connection', async () => {
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
    const client = await start((call) =>
      call.exchange.respond(
        200,
        ['Date', date, 'Keep-Alive', 'timeout=900', 'Transfer-Encoding', 'chunked', 'Content-Length', '2'],
        'ok',
      ),
    );
    const answer = await ask(client);
    expect(answer).toMatchObject({ status: 200, line: 'HTTP/1.1 200 OK', framing: 'length' });
    expect(answer.headers.filter(([name]) => name === 'date' || name === 'transfer-encoding')).toEqual([
      ['date', date],
    ]);
    expect(answer.headers).not.toContainEqual(['keep-alive', 'timeout=900']);
    client.socket.destroy();
  });

  it.each([
    ['a line break in a value', ['X-A', 'b\r\nX-C: d']],
    ['a name that is none', ['X A', 'b']],
    ['two lengths', ['Content-Length', '2', 'content-length', '2']],
    ['a length that is none', ['Content-Length', '2x']],
  ])('becomes 500 with %s', async (_, fields) => {
    const client = await start((call) => call.exchange.respond(200, fields, 'ok'));
    const answer = await ask(client);
    expect(answer.status).toBe(500);
    expect(answer.headers.some(([name]) => name === 'x-c')).toBe(false);
    client.socket.destroy();
  });

  it('ends the connection when the client asks for it, and for HTTP/1.0 that does not ask to keep it', async () => {
    for (const head of ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n']) {
      const client = await start((call) => call.respondText('bye'));
      const answer = await ask(client, head);
      expect(answer.headers).toContainEqual(['connection', 'close']);
      expect(await client.response()).toBeUndefined();
      client.socket.destroy();
    }
  });

  it('carries what another listener of the server has set on the response', async () => {
    const client = await start(
      (call) => call.respondText('ok'),
      (server) =>
        server.prependListener('request', (_: unknown, response: ServerResponse) => {
          response.setHeader('X-Traced', 'yes');
        }),
    );
    expect((await ask(client)).headers).toContainEqual(['x-traced', 'yes']);
    client.socket.destroy();
  });
});
