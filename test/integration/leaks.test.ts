import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_CONNECTOR_LIMITS } from '#host/config/connector-limits.js';
import type { FrontCommand } from '#host/front/messages.js';
import { ListeningSocket } from '#host/server/listening-socket.js';
import { AgentProcess } from '#test/support/agent-process.js';
import { makeCertificate } from '#test/support/certificates.js';
import { processTarget, routeOf, TestFront } from '#test/support/front.js';
import { type Held, heldBy } from '#test/support/held.js';
import { fixturesFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';
import { descriptorsOf } from '#test/support/processes.js';
import { RawClient } from '#test/support/raw-client.js';
import { type Leaving, leave, openIdle, STAGES } from '#test/support/storms.js';
import { setOf, TLS_DEFAULTS } from '#test/support/tls-connector.js';

const MIB = 1024 ** 2;
/** Caches and code that come with use; one connection holds 2 KiB at least, and each storm has hundreds. */
const GROWTH_BYTES = 0.25 * MIB;
const folder = join(fixturesFolder, 'storms');
const probed = ['--expose-gc', '--require', join(folder, 'probe.cjs')];
/** Storms of one kind, of which one at least must leave nothing behind. */
const STORMS = 4;
/** For what is closed, to be told to the instance. */
const SETTLING_MS = 10_000;
const MAX_CONNECTIONS = 550;
const REDEPLOYS = 200;
/** Of the heap and of buffers; with what the system and Node hold for it, it is about 5 KiB. */
const MOST_BYTES_OF_IDLE = 6 * 1024;

describe('a storm leaves nothing behind in front and instance:', () => {
  let front: TestFront;
  let agent: AgentProcess;
  let secure: ListeningSocket;
  let deployments = 1;
  const pids = (): [number, number] => [front.process.pid ?? 0, agent.child.pid ?? 0];

  beforeAll(async () => {
    const main = join(folder, 'server.mjs');
    agent = new AgentProcess(folder, { kind: 'main', main }, { contextPath: '/app' }, probed);
    await agent.report('ready');
    const limits = { maxConnections: MAX_CONNECTIONS, bodyIdleTimeoutMs: 1_000 };
    front = await TestFront.start({}, limits, undefined, probed);
    await front.route([routeOf('/app', processTarget('app@1', [agent.address]))]);
    secure = await ListeningSocket.open('https', '127.0.0.1', 0);
    const certificates = [setOf(['a'], [makeCertificate({ names: ['a'] })], true)];
    const listening = front.report('listening');
    await secure.sendTo(front.process, {
      type: 'listen',
      connector: 'https',
      settings: {
        limits: { ...DEFAULT_CONNECTOR_LIMITS, ...limits },
        tls: { ...TLS_DEFAULTS, strictSni: false, certificates },
      },
    } satisfies FrontCommand);
    await listening;
    expect(await ask()).toBe('/ 0');
  });
  afterAll(async () => {
    secure.close();
    await front.stop();
    await agent.kill();
  });

  /** On a connection of its own. */
  async function ask(): Promise<string> {
    return await (await front.get('/app/', { headers: { connection: 'close' } })).text();
  }

  /** No connection, no exchange, no descriptor beyond those at the beginning. */
  async function untilQuiet(descriptors: readonly number[]): Promise<void> {
    await until('everything is closed', async () => {
      const { openConnections } = await front.counts();
      return openConnections === 0 && pids().every((pid, i) => descriptorsOf(pid) <= (descriptors[i] ?? 0));
    });
    const isIdle = () => {
      const last = agent.reports.findLast((report) => report.type === 'stats');
      return last?.type === 'stats' && last.exchanges === 0;
    };
    await until('no exchange is open in the instance', isIdle);
  }

  async function bothHold(): Promise<readonly [Held, Held]> {
    const [frontPid, agentPid] = pids();
    return [await heldBy(frontPid, () => front.errors), await heldBy(agentPid, () => agent.output)];
  }

  const aborts = async (leaving: Leaving) => {
    for (let round = 0; round < 5; round++)
      await Promise.all(STAGES.map((stage) => leave(front.port, stage, leaving)));
  };

  const storms: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['clients that close at every stage', () => aborts('close')],
    ['clients that reset at every stage', () => aborts('reset')],
    [
      'clients that leave at every stage of a connection with TLS, and of its handshake',
      async () => {
        const hello = { name: 'within the hello', bytes: '\x16\x03\x01\x02\x00\x01' };
        for (const leaving of ['close', 'reset'] as const) {
          await Promise.all(STAGES.map((stage) => leave(secure.port, stage, leaving, true)));
          await Promise.all([hello, hello, hello].map((stage) => leave(secure.port, stage, leaving)));
        }
      },
    ],
    [
      'clients that close one direction at every stage',
      // An answer that does not end goes on: such a client may well read it.
      () =>
        Promise.all(
          STAGES.filter(({ name }) => !name.includes('not end')).flatMap((stage) =>
            [1, 2].map(() => leave(front.port, stage, 'half')),
          ),
        ),
    ],
    [
      'more connections than allowed',
      async () => {
        const idle = await openIdle(front.port, MAX_CONNECTIONS + 200);
        expect((await front.counts()).openConnections).toBeLessThanOrEqual(MAX_CONNECTIONS);
        const refused = () =>
          front.reports.reduce(
            (sum, report) =>
              sum + (report.type === 'counts' ? (report.counts.refused['connection-limit'] ?? 0) : 0),
            0,
          );
        await until('those beyond are counted', () => refused() >= 200);
        for (const socket of idle) socket.destroy();
      },
    ],
    [
      'idle connections behind an answer',
      async () => {
        const [before] = await bothHold();
        const idle = await openIdle(front.port, 500, 'GET /app/ HTTP/1.1\r\nHost: a\r\n\r\n');
        const [during] = await bothHold();
        const bytes = during.heapUsed + during.external - before.heapUsed - before.external;
        expect(bytes / idle.length).toBeLessThan(MOST_BYTES_OF_IDLE);
        for (const socket of idle) socket.destroy();
      },
    ],
    [
      'redeploys: the front gets one deployment after the other for a context',
      async () => {
        for (let i = 0; i < REDEPLOYS; i++) {
          const name = i === REDEPLOYS - 1 ? 'app@1' : `app@${++deployments}`;
          await front.route([routeOf('/app', processTarget(name, [agent.address]))]);
          expect(await ask()).toBe('/ 0');
        }
      },
    ],
    [
      'a pipeline of 1,000 requests with junk behind it',
      async () => {
        const client = await RawClient.open(front.port);
        const requests = Array.from({ length: 1000 }, (_, i) => `GET /app/${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
        client.send(`${requests.join('')}junk\r\n\r\n`);
        for (let i = 0; i < 1000; i++) expect((await client.response())?.body.toString()).toBe(`/${i} 0`);
        expect((await client.response())?.status).toBe(400);
        await client.closing();
        client.destroy();
      },
    ],
  ];

  /** What both held before and after the storm, when it stays more than before; otherwise undefined. */
  async function leftBy(storm: () => Promise<unknown>): Promise<string | undefined> {
    const descriptors = pids().map(descriptorsOf);
    const before = await bothHold();
    await storm();
    await untilQuiet(descriptors);
    const end = performance.now() + SETTLING_MS;
    for (;;) {
      const after = await bothHold();
      if (after.every((held, i) => covers(before[i], held))) return undefined;
      // What is closed may be told to the instance a moment later.
      if (performance.now() > end) return `${JSON.stringify(before)}, then ${JSON.stringify(after)}`;
      await delay(100);
    }
  }

  it.each(storms)('%s', async (_name, storm) => {
    const descriptors = pids().map(descriptorsOf);
    // The first time may fill caches and compile; a later one may too, but what leaks does so every time.
    await storm();
    await untilQuiet(descriptors);
    const leaks: string[] = [];
    for (let i = 0; i < STORMS; i++) {
      const left = await leftBy(storm);
      if (left === undefined) break;
      leaks.push(left);
    }
    if (leaks.length === STORMS) throw new Error(`each storm left something behind:\n${leaks.join('\n')}`);
    const { contexts } = await front.counts();
    for (const { inFlight, tunnels } of contexts) expect([inFlight, tunnels]).toEqual([0, 0]);
    expect(await ask()).toBe('/ 0');
  });
});

/** True when there is no more of anything than before. */
function covers(before: Held | undefined, after: Held): boolean {
  if (before === undefined) return false;
  return (
    after.heapUsed - before.heapUsed < GROWTH_BYTES &&
    after.external - before.external < GROWTH_BYTES &&
    Object.entries(after.resources).every(([kind, count]) => count <= (before.resources[kind] ?? 0))
  );
}
