import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FieldBlock } from '#host/http/field-block.js';
import type { FetchFunction } from '#host/instance/application-shape.js';
import { fetchListener } from '#host/instance/fetch-listener.js';
import { fixturesFolder } from '#test/support/paths.js';
import { VirtualServer } from '#test/support/virtual-server.js';

const opened: VirtualServer[] = [];

/** With an entry from where `@hono/node-server` can be found, and with one from where it cannot. */
const ADAPTERS: readonly (readonly [string, string])[] = [
  ['our own adapter', join(tmpdir(), 'server.mjs')],
  ['the adapter of the bundle', join(fixturesFolder, 'bundles/hono/server.mjs')],
];

async function serve(fetch: FetchFunction, main: string): Promise<VirtualServer> {
  const server = new VirtualServer(await fetchListener(fetch, main));
  opened.push(server);
  return server;
}

afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

describe.each(ADAPTERS)('a fetch function behind %s', (_name, main) => {
  it('sees the request as the client made it', async () => {
    const server = await serve(async (request) => {
      const body = await request.text();
      return Response.json([request.method, request.url, request.headers.get('x-a'), body]);
    }, main);
    const fields = ['Host', 'shop.test', 'X-A', '1', 'X-A', '2'];
    const posted = await server.fetch({ method: 'POST', target: '/a?b=c', fields }, 'hällo');
    expect(JSON.parse(posted.body)).toEqual(['POST', 'http://shop.test/a?b=c', '1, 2', 'hällo']);
    const got = await server.fetch({ target: '/', fields: ['Host', 'shop.test'] });
    expect(JSON.parse(got.body)).toEqual(['GET', 'http://shop.test/', null, '']);
  });

  it('answers with status, several cookies, a stream, or nothing', async () => {
    const server = await serve((request) => {
      if (request.method === 'DELETE') return new Response(null, { status: 204 });
      const parts = ['a', 'b', 'c'].map((text) => new TextEncoder().encode(text));
      return new Response(
        new ReadableStream({
          pull(controller) {
            const part = parts.shift();
            if (part === undefined) controller.close();
            else controller.enqueue(part);
          },
        }),
        {
          status: 203,
          headers: [
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
          ],
        },
      );
    }, main);
    const streamed = await server.fetch();
    expect([streamed.status, streamed.body]).toEqual([203, 'abc']);
    expect(FieldBlock.of(streamed.fields).all('set-cookie')).toEqual(['a=1', 'b=2']);
    expect(await server.fetch({ method: 'DELETE' })).toMatchObject({ status: 204, body: '' });
    expect(await server.fetch({ method: 'HEAD' })).toMatchObject({ status: 203, body: '' });
  });

  it('is told when the client goes away', async () => {
    let cancelled: () => void;
    const gone = new Promise<void>((resolve) => {
      cancelled = resolve;
    });
    const server = await serve(
      () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode('first')),
            cancel: () => cancelled(),
          }),
        ),
      main,
    );
    const exchange = server.open();
    exchange.listener?.end(undefined);
    await exchange.until(() => exchange.body === 'first');
    exchange.leave();
    await gone;
  });
});
