import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';
import { frontOf, metricOf, residentBytes } from '#test/support/processes.js';

const MIB = 1024 ** 2;
/** 1 GiB with PORTICO_TEST_BODY_MIB=1024. */
const TOTAL = Number(process.env['PORTICO_TEST_BODY_MIB'] ?? 192) * MIB;
const MOST_GROWTH = 64 * MIB;

/** Takes nothing of a body before it is told to; sends as much as it is let. */
const slow = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `let written = 0;
let received = 0;
let wake = () => undefined;
const block = Buffer.alloc(256 * 1024, 'x');
export default (request, response) => {
  const { pathname } = new URL(request.url, 'http://host');
  if (pathname === '/wake') { wake(); return response.end('awake'); }
  if (pathname === '/counts') return response.end(JSON.stringify({ received, written }));
  if (pathname === '/upload') {
    received = 0;
    wake = () => {
      request.on('data', (chunk) => { received += chunk.length; });
      request.on('end', () => response.end(String(received)));
    };
    return;
  }
  written = 0;
  const pump = () => {
    do written += block.length; while (response.write(block));
    response.once('drain', pump);
  };
  response.on('close', () => response.removeListener('drain', pump));
  pump();
};`,
};
const config = `
connectors: [{ limits: { bodyIdleTimeout: 20s } }]
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications: { limits: { heap: 64MiB, body: 4GiB } }
`;

describe('a body larger than what anybody keeps', () => {
  let host: TestHost;
  let pids: number[];
  beforeAll(async () => {
    host = await TestHost.start({ config, apps: { slow } });
    await host.text('/slow/counts');
    pids = [frontOf(host), (await host.application('slow'))?.instances[0]?.pid ?? 0];
  });
  afterAll(async () => {
    await host.stop();
  });

  const resident = () => pids.map((pid) => residentBytes(pid));
  function expectBounded(before: readonly number[]): void {
    const after = pids.map((pid) => residentBytes(pid, 'VmHWM'));
    for (const [i, bytes] of after.entries()) expect(bytes - (before[i] ?? 0)).toBeLessThan(MOST_GROWTH);
  }
  const counts = async () =>
    JSON.parse(await host.text('/slow/counts')) as { received: number; written: number };
  const open = async (head: string): Promise<Socket> => {
    const socket = connect(host.port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    await once(socket, 'connect');
    socket.write(`${head}\r\nHost: a\r\n\r\n`);
    return socket;
  };

  it('waits at the client while the application sleeps, and arrives when it is awake', async () => {
    const before = resident();
    const socket = await open(`POST /slow/upload HTTP/1.1\r\nContent-Length: ${TOTAL}`);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    const block = Buffer.alloc(MIB, 'y');
    let left = TOTAL;
    const pump = (): void => {
      while (left > 0) {
        left -= block.length;
        if (!socket.write(block)) return void socket.once('drain', pump);
      }
    };
    pump();
    const stalledAt = await settled(() => left);
    // What lies between is in buffers of the system, of the front and of the instance.
    expect(stalledAt).toBeGreaterThan(TOTAL - MOST_GROWTH);
    expectBounded(before);
    expect(await host.text('/slow/wake')).toBe('awake');
    await until('the answer is there', () => answer.includes(`\r\n\r\n${TOTAL}`), 120_000);
    expectBounded(before);
    socket.destroy();
  }, 180_000);

  it('waits at the application while the client sleeps', async () => {
    const before = resident();
    const socket = await open('GET /slow/endless HTTP/1.1');
    await once(socket, 'readable');
    await settled(async () => (await counts()).written);
    expect((await counts()).written).toBeLessThan(MOST_GROWTH);
    expectBounded(before);
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    await until('so much has come', () => received >= TOTAL, 120_000);
    expectBounded(before);
    socket.destroy();
    // The application hears of it and stops.
    await settled(async () => (await counts()).written);
    await until(
      'nothing is in flight',
      async () => (await metricOf(host, 'portico_requests_in_flight')) === 0,
    );
  }, 180_000);
});

/** Waits until a number does not change any more, and gives it. */
async function settled(look: () => number | Promise<number>): Promise<number> {
  let last = await look();
  return await until('it does not change any more', async () => {
    await delay(400);
    const now = await look();
    const isSame = now === last;
    last = now;
    return isSame ? now : undefined;
  });
}
