import { request } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OpenRequest } from '#host/front/messages.js';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const shop = {
  'package.json': '{ "main": "app.js" }',
  'app.js': `module.exports = (request, response) => {
    if (request.url.startsWith('/stuck')) return;
    if (request.url.startsWith('/stream')) return void response.write('begun');
    response.end('well');
  };`,
};

const config = 'connectors: [{ host: 127.0.0.1, http2: { enabled: true } }]\n';

interface Answer {
  readonly requests: readonly OpenRequest[];
  readonly total: number;
}

describe('the requests of an application that are open', () => {
  let host: TestHost;
  let session: ClientHttp2Session | undefined;
  beforeAll(async () => {
    host = await TestHost.start({ apps: { shop, other: shop }, config });
  });
  afterAll(async () => {
    session?.destroy();
    await host.stop();
  });

  const listed = async (query: string): Promise<Answer> =>
    (await (await host.admin(`/v1/applications/shop/requests${query}`)).json()) as Answer;

  it('are listed with age, method and path, the oldest first, whatever the protocol', async () => {
    const open = (path: string, method = 'GET') => {
      const sent = request({ port: host.port, path, method });
      sent.on('error', () => undefined);
      sent.on('response', (response) => response.resume());
      sent.end();
      return sent;
    };
    const first = open('/shop/stuck/1?secret=yes', 'POST');
    await until('it is there', async () => (await listed('?olderThan=0s')).total === 1);
    const second = open('/shop/stream');
    const elsewhere = open('/other/stuck');
    await until('it is there, too', async () =>
      (await listed('?olderThan=0s')).requests.some(({ state }) => state === 'answering'),
    );
    session = connect(`http://127.0.0.1:${host.port}`);
    session.on('error', () => undefined);
    const third = session.request({ ':path': '/shop/stuck/2' });
    third.on('error', () => undefined);
    await until('so is that of HTTP/2', async () => (await listed('?olderThan=0s')).total === 3);
    const { requests } = await listed('?olderThan=0s');
    expect(requests.map(({ method, path, state, status }) => [method, path, state, status])).toEqual([
      ['POST', '/shop/stuck/1', 'waiting', 0],
      ['GET', '/shop/stream', 'answering', 200],
      ['GET', '/shop/stuck/2', 'waiting', 0],
    ]);
    expect(requests[0]).toMatchObject({ application: 'shop', client: '127.0.0.1', connector: 'http' });
    expect(requests[0]?.ageMs).toBeGreaterThanOrEqual(requests[2]?.ageMs ?? Number.NaN);
    expect(await listed('?olderThan=10m')).toMatchObject({ requests: [], total: 0 });
    expect(await host.portico('requests', 'shop', '--older-than', '0s')).toMatch(
      /^AGE +METHOD +PATH .*\n[\d.]+s +POST +\/shop\/stuck\/1 +waiting .*127\.0\.0\.1\n/,
    );
    expect(await host.portico('requests', 'shop', '--older-than', '10m')).toBe(
      'no request has been open for so long\n',
    );
    // Closed in order, a connection is held open for a while: the client may still want to read the answer.
    for (const sent of [first, second, elsewhere]) sent.socket?.resetAndDestroy();
    third.close();
    await until('they are over', async () => (await listed('?olderThan=0s')).total === 0);
  });

  it('are asked for by name and duration', async () => {
    expect((await host.admin('/v1/applications/nobody/requests')).status).toBe(404);
    expect((await host.admin('/v1/applications/shop/requests?olderThan=long')).status).toBe(400);
    expect((await host.admin('/v1/applications/shop/requests', 'POST')).status).toBe(405);
  });
});
