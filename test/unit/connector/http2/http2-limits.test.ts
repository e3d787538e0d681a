import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ConnectorLimits } from '#host/config/connector-limits.js';
import type { Http2Settings } from '#host/config/http2-settings.js';
import type { Exchange } from '#host/exchange/exchange.js';
import { TestServer } from '#test/support/connector-server.js';
import { echo } from '#test/support/echo.js';
import {
  Flag,
  Frame,
  FrameClient,
  frame,
  post,
  request,
  setting,
  uint32,
} from '#test/support/http2/frame-client.js';
import { headerBlock } from '#test/support/http2/hpack.js';
import { Http2Client } from '#test/support/http2/http2-client.js';
import { until } from '#test/support/polling.js';

const WHOLE = Flag.END_STREAM | Flag.END_HEADERS;
const opened: { stop(): Promise<void> | void }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.stop();
});

/** `/never` is not answered, `/big` gets 1 MiB. */
function answer(exchange: Exchange): void {
  const { path } = exchange.head;
  if (path === '/big') exchange.respond(200, [], Buffer.alloc(1024 * 1024, 'a'));
  else if (path !== '/never') echo(exchange);
}

async function serve(
  limits: Partial<ConnectorLimits> = {},
  http2: Partial<Http2Settings> = {},
  settings: Buffer = Buffer.alloc(0),
): Promise<{ server: TestServer; client: FrameClient }> {
  const server = await TestServer.start(answer, limits, { http2 });
  const client = await FrameClient.open(server.port, false, settings);
  opened.push(server, { stop: () => client.close() });
  return { server, client };
}

describe('limits of an HTTP/2 connection', () => {
  it('are announced', async () => {
    const { client } = await serve();
    const first = await client.find(({ type }) => type === Frame.SETTINGS);
    const announced = new Map<number, number>();
    const payload = first?.payload ?? Buffer.alloc(0);
    for (let at = 0; at < payload.length; at += 6) {
      announced.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    }
    // RFC 9113 §6.5.2; RFC 8441 §3.
    expect([announced.get(3), announced.get(4), announced.get(6), announced.get(8)]).toEqual([
      100,
      128 * 1024,
      32 * 1024,
      1,
    ]);
  });

  it('refuse streams beyond maxConcurrentStreams', async () => {
    const { client } = await serve({}, { maxConcurrentStreams: 3 });
    for (const id of [1, 3, 5]) client.headers(id, request('/never'));
    client.headers(7, request('/'));
    // RFC 9113 §5.1.2: an error of the stream. nghttp2 ends the connection of a client that knew better.
    const outcomes = ['REFUSED_STREAM', 'PROTOCOL_ERROR', 'ENHANCE_YOUR_CALM'].map((code) => `RST ${code}`);
    expect([...outcomes, 'GOAWAY PROTOCOL_ERROR']).toContain(await client.outcome(7));
  });

  it('let a client have maxConcurrentStreams again and again', async () => {
    const { server } = await serve({}, { maxConcurrentStreams: 3 });
    const client = await Http2Client.open(server.port);
    opened.push({ stop: () => client.close() });
    for (let i = 0; i < 5; i++) {
      const three = [1, 2, 3].map(() => client.request({ ':path': '/' }));
      expect((await Promise.all(three)).map(({ status }) => status)).toEqual([200, 200, 200]);
    }
  });

  it('end a connection that opens streams and resets them', async () => {
    const { client, server } = await serve({}, { maxResetStreams: 20 });
    for (let id = 1; id < 200; id += 2) {
      client.send(
        frame(Frame.HEADERS, WHOLE, id, headerBlock(request('/never'))),
        frame(Frame.RST_STREAM, 0, id, uint32(8)),
      );
    }
    expect(['GOAWAY ENHANCE_YOUR_CALM', 'closed']).toContain(await client.outcome(0));
    await client.whenClosed();
    expect(server.reasons).toEqual(['http2-reset-flood']);
  });

  it('end a connection that makes the server reset streams', async () => {
    const { client, server } = await serve({}, { maxResetStreams: 20 });
    for (let id = 1; id < 200; id += 2) {
      client.send(
        frame(Frame.HEADERS, Flag.END_HEADERS, id, headerBlock(post('/never', ['content-length', '1']))),
        frame(Frame.DATA, Flag.END_STREAM, id, Buffer.from('too long')),
      );
    }
    await client.whenClosed();
    expect(server.reasons).toEqual(['http2-reset-flood']);
  });

  it('end a connection that floods it with PING', async () => {
    const { client, server } = await serve({}, { maxPings: 50 });
    for (let i = 0; i < 100; i++) client.send(frame(Frame.PING, 0, 0, Buffer.alloc(8)));
    expect(['GOAWAY ENHANCE_YOUR_CALM', 'closed']).toContain(await client.outcome(0));
    await client.whenClosed();
    expect(server.reasons).toEqual(['http2-ping-flood']);
  });

  it('end a connection that floods it with SETTINGS', async () => {
    const { client, server } = await serve({}, { maxSettingsFrames: 20 });
    for (let i = 0; i < 60; i++) client.send(frame(Frame.SETTINGS, 0, 0, setting(4, 65_535 + i)));
    await client.whenClosed();
    expect(server.reasons).toEqual(['http2-settings-flood']);
  });

  it.each([
    ['WINDOW_UPDATE', frame(Frame.WINDOW_UPDATE, 0, 0, uint32(1))],
    ['PRIORITY', frame(Frame.PRIORITY, 0, 3, [0, 0, 0, 0, 1])],
    ['unknown frames', frame(0x42, 0, 0, Buffer.alloc(20))],
  ])('end a connection that floods it with %s', async (_, one) => {
    const { client, server } = await serve({ keepAliveTimeoutMs: 5000 }, { maxControlBytes: 8 * 1024 });
    client.send(Buffer.concat(new Array<Buffer>(2000).fill(one)));
    expect(['GOAWAY ENHANCE_YOUR_CALM', 'closed']).toContain(await client.outcome(0));
    await client.whenClosed();
    expect(server.reasons).toEqual(['http2-control-flood']);
  });

  it('are not passed by requests, bodies and downloads, however many', async () => {
    const { server } = await serve({}, { maxControlBytes: 16 * 1024 });
    const client = await Http2Client.open(server.port);
    opened.push({ stop: () => client.close() });
    const body = Buffer.alloc(256 * 1024);
    for (let i = 0; i < 20; i++) {
      const [up, down] = await Promise.all([
        client.request({ ':method': 'POST', ':path': `/${i}`, 'x-long': 'b'.repeat(500 + i) }, body),
        client.request({ ':path': '/big' }),
      ]);
      expect([up.status, down.status]).toEqual([200, 200]);
    }
    expect(server.refusals).toEqual([]);
  });

  it('count what breaks the protocol', async () => {
    const { client, server } = await serve();
    client.send(frame(Frame.PING, 0, 1, Buffer.alloc(8)));
    await client.whenClosed();
    await until(() => server.refusals.length > 0);
    expect(server.reasons).toEqual(['http2-protocol-error']);
  });

  it('cut a stream whose client does not open its window', async () => {
    const { client, server } = await serve({ bodyIdleTimeoutMs: 200 }, {}, setting(4, 0));
    client.headers(1, request('/big'));
    expect(await client.outcome(1)).toBe('200');
    const reset = await client.find(({ type, stream }) => type === Frame.RST_STREAM && stream === 1);
    expect(reset).toBeDefined();
    expect(server.reasons).toEqual(['write-timeout']);
    expect(await client.isAlive()).toBe(true);
  });

  it('answer 408 to a body that stops coming', async () => {
    const { client, server } = await serve({ bodyIdleTimeoutMs: 200 });
    client.headers(1, post('/', ['content-length', '10']), Flag.END_HEADERS);
    client.data(1, 'four', 0);
    expect(await client.outcome(1)).toBe('408');
    expect(server.reasons).toEqual(['body-timeout']);
    expect(await client.isAlive()).toBe(true);
  });

  it('close an idle connection in an orderly way', async () => {
    const { client, server } = await serve({ keepAliveTimeoutMs: 200 });
    client.headers(1, request('/'));
    expect(await client.outcome(1)).toBe('200');
    const goaway = await client.find(({ type }) => type === Frame.GOAWAY);
    expect([goaway?.payload.readUInt32BE(0), goaway?.payload.readUInt32BE(4)]).toEqual([1, 0]);
    await client.whenClosed();
    expect(server.closings).toEqual(['keep-alive-timeout']);
  });

  it('close a connection that never asks', async () => {
    const { client, server } = await serve({ headerTimeoutMs: 200 });
    await client.whenClosed();
    expect(server.closings).toEqual(['no-request']);
  });

  it('let a connection go after maxRequestsPerConnection; what came too late may be asked again', async () => {
    const { server } = await serve({ maxRequestsPerConnection: 5 });
    const client = await Http2Client.open(server.port);
    opened.push({ stop: () => client.close() });
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        client.request({ ':path': `/${i}` }).then(
          ({ status }) => String(status),
          (error: unknown) => String(error),
        ),
      ),
    );
    expect(outcomes.slice(0, 5)).toEqual(['200', '200', '200', '200', '200']);
    for (const late of outcomes.slice(5)) expect(late).toMatch(/^200$|REFUSED_STREAM/);
    if (!client.session.destroyed) await once(client.session, 'close');
    expect(server.closings).toEqual(['max-requests']);
    // RFC 9113 §8.7: a request that was refused was not looked at.
    expect(server.results.length).toBe(outcomes.filter((outcome) => outcome === '200').length);
  });
});

describe('draining HTTP/2', () => {
  it('names the last stream, serves what is in flight, then closes', async () => {
    let held: Exchange | undefined;
    const hold = (exchange: Exchange): void => {
      held = exchange;
    };
    const server = await TestServer.start(hold, {}, { http2: {} });
    const client = await FrameClient.open(server.port);
    client.headers(1, request('/held'));
    await until(() => held !== undefined);
    const stopped = server.stop(30_000);
    const goaway = await client.find(({ type }) => type === Frame.GOAWAY);
    expect([goaway?.payload.readUInt32BE(0), goaway?.payload.readUInt32BE(4)]).toEqual([1, 0]);
    held?.respond(200, [], 'done');
    expect(await client.outcome(1)).toBe('200');
    await client.whenClosed();
    await stopped;
    expect(server.connector.openConnections).toBe(0);
  });

  it('closes connections that wait', async () => {
    const server = await TestServer.start(answer, {}, { http2: {} });
    const client = await FrameClient.open(server.port);
    expect(await client.isAlive()).toBe(true);
    await server.stop(30_000);
    await client.whenClosed();
    expect(client.frames.some(({ type }) => type === Frame.GOAWAY)).toBe(true);
  });

  it('cuts what is left at the deadline', async () => {
    const server = await TestServer.start(() => undefined, {}, { http2: {} });
    const client = await FrameClient.open(server.port);
    client.headers(1, request('/'));
    await client.isAlive();
    await server.stop(50);
    await client.whenClosed();
    await until(() => server.results.length === 1);
    expect(server.results[0]).toMatchObject({ aborted: true });
  });
});
