import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DescriptorGuard } from '#host/connector/descriptor-guard.js';
import type { Exchange } from '#host/exchange/exchange.js';
import { makeCertificate } from '#test/support/certificates.js';
import { TestServer } from '#test/support/connector-server.js';
import { Frame, FrameClient, request } from '#test/support/http2/frame-client.js';
import { until } from '#test/support/polling.js';
import { setOf } from '#test/support/tls-connector.js';

const LIMITS = { headerTimeoutMs: 60_000, keepAliveTimeoutMs: 60_000 };
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Finds every descriptor to be among the last as soon as it is told so. */
class LateGuard extends DescriptorGuard {
  isScarce = false;

  override admits(socket: Socket): boolean {
    return !this.isScarce || super.admits(socket);
  }
}

async function serve(isSecure: boolean) {
  const warnings: string[] = [];
  const descriptors = new LateGuard(1, (message) => warnings.push(message));
  const held: Exchange[] = [];
  const answer = (exchange: Exchange): void => {
    if (exchange.head.path === '/held') held.push(exchange);
    else exchange.respond(200, [], 'served');
  };
  const certificates = [setOf([], [makeCertificate({ names: ['a.example'] })], true)];
  const server = await TestServer.start(answer, LIMITS, {
    http2: {},
    descriptors,
    ...(isSecure && { tls: { certificates, strictSni: false } }),
  });
  stops.push(() => server.stop());
  const open = async (): Promise<FrameClient> => {
    const client = await FrameClient.open(server.port, isSecure);
    stops.push(() => client.close());
    return client;
  };
  return { server, open, held, warnings, descriptors };
}

describe.each([
  ['HTTP/2', false],
  ['HTTP/2 with TLS', true],
])('%s where descriptors are scarce', (_name, isSecure) => {
  it('closes idle connections for a new one, with GOAWAY, and no other', async () => {
    const { server, open, held, warnings, descriptors } = await serve(isSecure);
    const [idle, busy] = [await open(), await open()];
    idle.headers(1, request('/'));
    expect(await idle.outcome(1)).toBe('200');
    busy.headers(1, request('/held'));
    await until(() => held.length === 1);
    await idle.ended(1);
    await until(() => server.results.length === 1);
    descriptors.isScarce = true;
    const late = await open();
    const goaway = await idle.find(({ type }) => type === Frame.GOAWAY);
    expect([goaway?.payload.readUInt32BE(0), goaway?.payload.readUInt32BE(4)]).toEqual([1, 0]);
    await idle.whenClosed();
    late.headers(1, request('/'));
    expect(await late.outcome(1)).toBe('200');
    held[0]?.respond(200, [], 'late');
    expect(await busy.outcome(1)).toBe('200');
    expect(server.closings).toEqual(['descriptor-limit']);
    expect(server.refusals).toEqual([]);
    expect(warnings).toHaveLength(1);
    await until(() => server.openConnections === 2);
  });

  it('refuses a new one when none is idle', async () => {
    const { server, open, held, descriptors } = await serve(isSecure);
    const busy = await open();
    busy.headers(1, request('/held'));
    await until(() => held.length === 1);
    descriptors.isScarce = true;
    const late = connect(server.port, '127.0.0.1');
    late.on('error', () => late.destroy());
    stops.push(() => late.destroy());
    await until(() => server.refusals.length > 0);
    expect(server.reasons).toEqual(['descriptor-limit']);
    expect(server.closings).toEqual([]);
    held[0]?.respond(200, [], 'late');
    expect(await busy.outcome(1)).toBe('200');
  });
});
