import { readdirSync, readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { childrenOf } from '#test/bench/memory.js';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const server = (handler: string) => ({
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `export default (req, res) => { req.on('error', () => undefined); ${handler} };`,
});
const apps = {
  victim: server(`switch (req.url) {
    case '/abort': return process.abort();
    case '/loop': for (;;);
    case '/fill': for (const kept = []; ;) kept.push(new Array(1000).fill(kept.length));
    default: setTimeout(() => res.end('here'), 5);
  }`),
  calm: server(`switch (req.url) {
    case '/hang': req.resume(); return;
    case '/stream': res.write('first'); return;
    case '/endless': { const pump = () => { while (res.write(Buffer.alloc(65536))); res.once('drain', pump); }; return pump(); }
    case '/back': return req.pipe(res);
    default: res.end('calm');
  }`),
  static: { 'index.html': 'index', 'a.txt': 'alpha', 'big.bin': 'z'.repeat(3_000_000) },
};
const config = `
connectors: [{ limits: { bodyIdleTimeout: 2s } }]
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications:
  limits: { heap: 64MiB }
  hang: { timeout: 3s }
  restart: { minDelay: 100ms, maxDelay: 300ms, maxCrashes: 50, window: 60s }
`;

describe('a fault of one application under load', () => {
  let host: TestHost;
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  beforeAll(async () => {
    host = await TestHost.start({ config, apps });
  });
  afterAll(async () => {
    agent.destroy();
    await host.stop();
  });

  /** One request: what came of it, `cut` when the answer or the connection broke. */
  function outcomeOf(path: string): Promise<string> {
    return new Promise((resolve) => {
      get(host.url(path), { agent }, (response) => {
        const { statusCode, headers } = response;
        const hint = statusCode === 503 ? ` ${/^\d+$/.test(headers['retry-after'] ?? '')}` : '';
        response.resume();
        response.on('end', () => resolve(`${statusCode}${hint}`));
        response.on('error', () => resolve('cut'));
      }).on('error', () => resolve('cut'));
    });
  }

  const pidOf = async (name: string) => (await host.application(name))?.instances[0]?.pid ?? 0;

  it.each([
    ['is killed', (pid: number) => process.kill(pid, 'SIGKILL')],
    ['stands still', (pid: number) => process.kill(pid, 'SIGSTOP')],
    ['aborts', () => outcomeOf('/victim/abort')],
    ['loops', () => outcomeOf('/victim/loop')],
    ['fills its heap', () => outcomeOf('/victim/fill')],
  ])('that %s fails its own requests clearly and none of the others', async (_name, strike) => {
    const pid = await pidOf('victim');
    const outcomes = { victim: new Set<string>(), others: new Set<string>() };
    let isDone = false;
    const ask = async (path: string, seen: Set<string>) => {
      while (!isDone) {
        seen.add(await outcomeOf(path));
        await delay(3);
      }
    };
    const asking = [
      ...Array.from({ length: 6 }, () => ask('/victim/', outcomes.victim)),
      ...Array.from({ length: 3 }, () => ask('/calm/', outcomes.others)),
      ask('/static/a.txt', outcomes.others),
    ];
    await until('the victim answers', () => (outcomes.victim.has('200') ? true : undefined));
    await strike(pid);
    await host.untilApplication(
      'victim',
      ({ state, instances }) => state === 'running' && instances[0] !== undefined && instances[0].pid !== pid,
    );
    await until('the victim answers again', async () =>
      (await outcomeOf('/victim/')) === '200' ? true : undefined,
    );
    isDone = true;
    await Promise.all(asking);
    expect([...outcomes.others]).toEqual(['200']);
    // 503 only with Retry-After; nothing hangs, nothing is refused.
    for (const outcome of outcomes.victim)
      expect(['200', '502', '503 true', '504', 'cut']).toContain(outcome);
  });

  it('of clients that go away at any stage leaves nothing behind', async () => {
    const front = childrenOf(host.pid).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('front/main'),
    ) as number;
    const calm = await pidOf('calm');
    const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
    const request = (line: string, rest: string) => `${line} HTTP/1.1\r\nHost: a\r\n${rest}`;
    const stages = [
      'GET /calm/ HT',
      request('GET /calm/hang', '\r\n'),
      request('POST /calm/hang', 'Content-Length: 1000\r\n\r\npart'),
      request('POST /calm/back', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhe'),
      request('GET /calm/stream', '\r\n'),
      request('GET /calm/endless', '\r\n'),
      request('GET /static/big.bin', '\r\n'),
      request('POST /calm/hang', 'Expect: 100-continue\r\nContent-Length: 9\r\n\r\n'),
      request('GET /calm/hang', 'Connection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    ];
    const goAway = (index: number) =>
      new Promise<void>((resolve) => {
        const socket = connect(host.port, '127.0.0.1', () => {
          socket.write(stages[index % stages.length] as string);
          setTimeout(() => (index % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()), index % 40);
        });
        socket.on('error', () => undefined).on('close', () => resolve());
        if (index % 3 > 0) socket.resume();
      });
    agent.destroy();
    await outcomeOf('/calm/');
    const before = [descriptors(front), descriptors(calm)] as const;
    for (let batch = 0; batch < 8; batch++)
      await Promise.all(Array.from({ length: 90 }, (_, index) => goAway(batch * 90 + index)));
    await until('everything is closed again', () => {
      agent.destroy();
      return descriptors(front) <= before[0] + 2 && descriptors(calm) <= before[1] + 2 ? true : undefined;
    });
    await until('no request is in flight', async () => {
      const metrics = await (await host.admin('/metrics')).text();
      const inFlight = [...metrics.matchAll(/^portico_(?:requests_in_flight|tunnels)\{.*\} (\d+)$/gm)];
      return inFlight.length > 0 && inFlight.every(([, count]) => count === '0') ? true : undefined;
    });
    expect(await host.text('/calm/')).toBe('calm');
    expect(await pidOf('calm')).toBe(calm);
  });
});
