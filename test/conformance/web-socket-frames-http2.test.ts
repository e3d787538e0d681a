import { once } from 'node:events';
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_HTTP2_SETTINGS } from '#host/config/http2-settings.js';
import { AgentProcess } from '#test/support/agent-process.js';
import { processTarget, routeOf, TestFront } from '#test/support/front.js';
import { Http2Client, readResponse } from '#test/support/http2/http2-client.js';
import { until } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';
import { close, text } from '#test/support/web-socket/frame.js';
import { RawWebSocket } from '#test/support/web-socket/raw-web-socket.js';
import type { WebSocketSubject } from '#test/support/web-socket/subject.js';
import { webSocketFramesSuite } from './web-socket-frames-suite.js';

const BUNDLE = join(dirname(fileURLToPath(import.meta.url)), '../support/web-socket');

/** RFC 8441 §5.1: no key, and nothing of HTTP/1.1. */
function ask(client: Http2Client, more: Record<string, string | string[]> = {}): ClientHttp2Stream {
  const head = {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':path': '/echo',
    ':authority': 'localhost',
  };
  const stream = client.start({ ...head, 'sec-websocket-version': '13', ...more }, false);
  stream.on('error', () => undefined);
  return stream;
}

/** Front and instance as processes, all sessions as streams of one connection of HTTP/2. */
async function start(): Promise<
  WebSocketSubject & { readonly client: Http2Client; readonly front: TestFront }
> {
  const folder = new TemporaryFolder();
  const address = { instance: 'test@1/1#1', socketPath: folder.at('s'), secret: 'd4'.repeat(32) };
  const entry = { kind: 'modules' as const, modules: ['framework-application.js#echoes'] };
  const agent = new AgentProcess(BUNDLE, entry, { contextPath: '', ...address });
  // The suite resets each stream; a client that did so much of it would be sent away.
  const http2 = { ...DEFAULT_HTTP2_SETTINGS, maxResetStreams: 10_000, maxControlBytes: 10_000_000 };
  const front = await TestFront.start({}, {}, undefined, [], { http2 });
  await agent.report('ready');
  await front.route([routeOf('', processTarget('test@1', [address]))]);
  const client = await Http2Client.open(front.port);
  return {
    port: front.port,
    client,
    front,
    async open(path, extensions) {
      const offer = extensions.length === 0 ? {} : { 'sec-websocket-extensions': [...extensions] };
      const stream = ask(client, { ':path': path, ...offer });
      const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      if (Number(headers[':status']) !== 200) throw new Error(JSON.stringify(headers));
      return new RawWebSocket(stream, String(headers['sec-websocket-extensions'] ?? ''));
    },
    async stop() {
      client.close();
      await front.stop();
      await agent.kill();
      folder.remove();
    },
  };
}

webSocketFramesSuite('HTTP/2 (RFC 8441)', start);

describe('opening handshakes of WebSockets on HTTP/2', () => {
  let subject: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject.stop());

  it.each([
    ['no version', { 'sec-websocket-version': '12' }, 426],
    ['a page of another site', { origin: 'https://evil.example' }, 403],
    ['a path that is none', { ':path': '/nowhere' }, 404],
    ['extensions that are no list', { 'sec-websocket-extensions': 'a;' }, 400],
  ])('are refused in plain HTTP: %s', async (_name, more, status) => {
    const stream = ask(subject.client, more as unknown as Record<string, string>);
    stream.end();
    expect((await readResponse(stream)).status).toBe(status);
  });

  it('leave other sessions of the connection alone when one is reset', async () => {
    const [one, other] = await Promise.all([subject.open?.('/echo', []), subject.open?.('/echo', [])]);
    if (one === undefined || other === undefined) throw new Error('not opened');
    one.send(text('never complete', { fin: false }));
    one.destroy();
    other.send(text('still here'));
    expect(await other.next()).toBe('text still here');
    other.send(close(1000));
    expect(await other.rest()).toEqual(['close 1000', 'end']);
    await until('no tunnel is left', async () => {
      const { contexts } = await subject.front.counts();
      return contexts.every(({ tunnels }) => tunnels === 0);
    });
  });
});
