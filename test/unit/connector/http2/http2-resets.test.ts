import { afterEach, describe, expect, it } from '@jest/globals';
import type { AbortReason, Exchange } from '#host/exchange/exchange.js';
import { TestServer, type TestServerOptions } from '#test/support/connector-server.js';
import {
  CODES,
  Flag,
  Frame,
  FrameClient,
  frame,
  post,
  request,
  setting,
  uint32,
} from '#test/support/http2/frame-client.js';
import { until } from '#test/support/polling.js';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const BIG = Buffer.alloc(64 * 1024);
const aborted: [path: string, reason: AbortReason][] = [];

/** By path: a whole answer, one that goes on for ever, or none. */
function answer(exchange: Exchange): void {
  const { path } = exchange.head;
  if (path === '/whole') {
    exchange.respond(200, [], BIG);
    return;
  }
  exchange.listen({
    data: () => undefined,
    end: () => undefined,
    drain: () => undefined,
    aborted: (reason) => aborted.push([path, reason]),
  });
  if (path !== '/endless') return;
  exchange.begin(200, []);
  while (exchange.write(Buffer.alloc(BIG.length)));
}

async function serve(http2: TestServerOptions['http2'] = {}) {
  aborted.length = 0;
  const server = await TestServer.start(answer, {}, { http2 });
  // No window: nothing of an answer's body can be sent.
  const client = await FrameClient.open(server.port, false, setting(4, 0));
  stops.push(
    () => server.stop(),
    () => client.close(),
  );
  return { server, client };
}

const reset = (stream: number, code: (typeof CODES)[number]): Buffer =>
  frame(Frame.RST_STREAM, 0, stream, uint32(CODES.indexOf(code)));

describe('a stream that the client resets', () => {
  for (const code of ['NO_ERROR', 'CANCEL', 'PROTOCOL_ERROR'] as const) {
    it.each([
      ['an answer that goes on', request('/endless'), true, ['/endless', 1]],
      ['no answer yet', request('/none'), true, ['/none', 1]],
      ['an answer that goes on, and a body that does', post('/endless'), false, ['/endless', 1]],
      ['no answer yet, and a body that goes on', post('/none'), false, ['/none', 1]],
      ['a whole answer that waits', request('/whole'), true, undefined],
      ['a whole answer that waits, and a body that goes on', post('/whole'), false, undefined],
    ] as const)(`is over with ${code} and %s`, async (_name, fields, isWhole, told) => {
      const { server, client } = await serve();
      client.headers(1, fields, Flag.END_HEADERS | (isWhole ? Flag.END_STREAM : 0));
      if (!isWhole) client.data(1, Buffer.alloc(2000), 0);
      expect(await client.isAlive()).toBe(true);
      client.send(reset(1, code));
      await until(() => server.results.length === 1);
      expect(aborted).toEqual(told === undefined ? [] : [told]);
      // Nothing waits for it when the connection is let go of.
      const stopped = server.stop(60_000);
      await client.whenClosed();
      await stopped;
    });
  }

  it.each([
    ['CANCEL', '/none'],
    ['CANCEL', '/whole'],
    ['CANCEL', '/endless'],
    ['CANCEL', '/refused%2F'],
    ['NO_ERROR', '/none'],
    ['NO_ERROR', '/endless'],
  ] as const)('counts with %s and %s', async (code, path) => {
    const { server, client } = await serve({ maxResetStreams: 20 });
    for (let stream = 1; stream < 60 && !client.isClosed; stream += 2) {
      client.headers(stream, request(path));
      await client.isAlive();
      client.send(reset(stream, code));
    }
    await client.whenClosed();
    expect(server.reasons.filter((reason) => reason !== 'bad-target')).toEqual(['http2-reset-flood']);
    await until(() => server.openConnections === 0);
  });

  it('makes room for others that the announced number leaves, one by one', async () => {
    const { server, client } = await serve({ maxConcurrentStreams: 1, maxResetStreams: 1000 });
    for (let count = 1; count <= 50; count++) {
      const stream = 2 * count - 1;
      client.headers(stream, request('/whole'));
      expect(await client.outcome(stream)).toBe('200');
      client.send(reset(stream, 'NO_ERROR'));
      await until(() => server.results.length === count);
    }
  });
});
