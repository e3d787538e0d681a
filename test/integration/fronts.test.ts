import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FrontStatus } from '#host/admin/traffic.js';
import { TestHost } from '#test/support/host.js';
import { until, WAIT_MS } from '#test/support/polling.js';

const who = {
  'package.json': '{ "main": "app.js" }',
  'app.js': "module.exports = (q, r) => r.end('hello');",
};

const config = `
fronts: 2
connectors: [{ host: 127.0.0.1 }]
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
`;

describe('two fronts on the same sockets', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({ apps: { who }, config });
  });
  afterAll(() => host?.stop());

  const fronts = async (): Promise<readonly FrontStatus[]> => {
    const answer = (await (await host.admin('/v1/server')).json()) as { server: { fronts: FrontStatus[] } };
    return answer.server.fronts;
  };
  const metric = async (pattern: RegExp): Promise<number> => {
    const match = pattern.exec(await (await host.admin('/metrics')).text());
    return Number(match?.[1] ?? 0);
  };
  const requests = (): Promise<number> =>
    metric(/^portico_requests_total\{application="who",context="\/who",class="2xx"\} (\d+)$/m);

  it('both run, and what they count adds up', async () => {
    expect(await fronts()).toMatchObject([
      { number: 1, state: 'running' },
      { number: 2, state: 'running' },
    ]);
    const before = await requests();
    const accepted = await metric(/^portico_connections_accepted_total (\d+)$/m);
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => requestOnce(host.port)));
    expect(outcomes.filter((outcome) => outcome === 'answered')).toHaveLength(40);
    expect(await requests()).toBe(before + 40);
    expect(await metric(/^portico_connections_accepted_total (\d+)$/m)).toBe(accepted + 40);
  });

  it('write one access log, each request once', async () => {
    const text = await until('40 lines', () => {
      const log = readFileSync(join(host.base, 'logs/access.log'), 'utf8');
      return log.split('\n').length > 40 ? log : undefined;
    });
    expect(text).toMatch(/^(?:127\.0\.0\.1 - - \[.*\] "GET \/who\/ HTTP\/1\.1" 200 5 "-" "-"\n)+$/);
  });

  it('refuse no connection while one of them is killed and replaced', async () => {
    for (const number of [1, 2]) {
      const killed = (await fronts())[number - 1];
      let isOver = false;
      const tally = { answered: 0, cut: 0, refused: 0 };
      const client = async (): Promise<void> => {
        while (!isOver) tally[await requestOnce(host.port)] += 1;
      };
      const clients = Array.from({ length: 8 }, client);
      await until('requests are answered', () => tally.answered >= 50);
      process.kill(killed?.pid ?? 0, 'SIGKILL');
      await until('another runs in its place', async () => {
        const now = (await fronts())[number - 1];
        return now?.state === 'running' && now.pid !== killed?.pid && now.restarts === 1;
      });
      const atReplacement = tally.answered;
      await until('requests are answered', () => tally.answered >= atReplacement + 50);
      isOver = true;
      await Promise.all(clients);
      expect(tally.refused).toBe(0);
      // Only what was in the hands of the killed one is lost.
      expect(tally.cut).toBeLessThanOrEqual(8);
    }
  }, 60_000);

  it('both know a new application as soon as it is there', async () => {
    host.drop('late', who);
    await host.untilApplication('late', ({ state }) => state === 'running');
    const answers = await Promise.all(Array.from({ length: 20 }, () => requestOnce(host.port, '/late/')));
    expect(new Set(answers)).toEqual(new Set(['answered']));
  });
});

/** One request on a connection of its own. */
function requestOnce(port: number, path = '/who/'): Promise<'answered' | 'cut' | 'refused'> {
  return new Promise((resolve) => {
    const client = connect(port, '127.0.0.1');
    let answer = '';
    let isRefused = false;
    client.setTimeout(WAIT_MS, () => client.destroy());
    client.on('data', (chunk) => {
      answer += chunk;
    });
    client.on('error', (error: NodeJS.ErrnoException) => {
      isRefused = error.code === 'ECONNREFUSED';
    });
    client.on('close', () => {
      if (isRefused) resolve('refused');
      else resolve(answer.endsWith('hello') ? 'answered' : 'cut');
    });
    client.write(`GET ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`);
  });
}
