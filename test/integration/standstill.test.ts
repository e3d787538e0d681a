import { Agent, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { until, WAIT_MS } from '#test/support/polling.js';
import { frontOf, metricOf } from '#test/support/processes.js';
import { RawClient } from '#test/support/raw-client.js';

const server = (answer: string) => ({
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `export default (request, response) => {
  let bytes = 0;
  request.on('data', (chunk) => { bytes += chunk.length; });
  request.on('end', () => response.end(\`${answer} \${bytes}\`));
};`,
});
const LIMIT_MS = 4_000;
const config = `
connectors:
  - limits: { headerTimeout: ${LIMIT_MS}ms, bodyIdleTimeout: ${LIMIT_MS}ms, keepAliveTimeout: ${LIMIT_MS}ms }
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
`;
const head = (line: string, fields = '') => `${line} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

describe('a process that stands still for a moment', () => {
  let host: TestHost;
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  beforeAll(async () => {
    host = await TestHost.start({ config, apps: { victim: server('victim'), calm: server('calm') } });
  });
  afterAll(async () => {
    agent.destroy();
    await host.stop();
  });

  function outcomeOf(path: string): Promise<string> {
    return new Promise((resolve) => {
      get(host.url(path), { agent, timeout: WAIT_MS }, (response) => {
        response.resume();
        response.on('end', () => resolve(String(response.statusCode)));
        response.on('error', () => resolve('cut'));
      }).on('error', (error) => resolve(error.message));
    });
  }

  it('as an instance: its requests wait, those of others do not, and none fails', async () => {
    const before = (await host.application('victim'))?.instances[0]?.pid as number;
    const outcomes = { victim: new Map<string, number>(), calm: new Map<string, number>() };
    let isDone = false;
    const ask = async (name: 'victim' | 'calm') => {
      while (!isDone) {
        const outcome = await outcomeOf(`/${name}/`);
        outcomes[name].set(outcome, (outcomes[name].get(outcome) ?? 0) + 1);
        await delay(2);
      }
    };
    const asking = [...Array.from({ length: 6 }, () => ask('victim')), ask('calm'), ask('calm')];
    await until('the victim answers', () => outcomes.victim.has('200'));
    process.kill(before, 'SIGSTOP');
    const calm = outcomes.calm.get('200') ?? 0;
    // All askers of the victim hang by then; the others go on.
    await until('others are answered', () => (outcomes.calm.get('200') ?? 0) > calm + 20);
    const victim = outcomes.victim.get('200') ?? 0;
    process.kill(before, 'SIGCONT');
    await until('the victim answers again', () => (outcomes.victim.get('200') ?? 0) > victim + 20);
    isDone = true;
    await Promise.all(asking);
    expect([...outcomes.victim.keys(), ...outcomes.calm.keys()]).toEqual(['200', '200']);
    expect((await host.application('victim'))?.instances[0]?.pid).toBe(before);
  });

  it('as a front: nobody is cut for time that it did not look', async () => {
    const front = frontOf(host);
    const [idle, upload, partial] = await Promise.all([1, 2, 3].map(() => RawClient.open(host.port)));
    if (idle === undefined || upload === undefined || partial === undefined) throw new Error('no client');
    idle.send(head('GET /calm/'));
    expect((await idle.response())?.body.toString()).toBe('calm 0');
    upload.send(`${head('POST /calm/', 'Content-Length: 4000\r\n')}${'x'.repeat(2000)}`);
    partial.send('GET /calm/ HTTP/1.1\r\nHo');
    await until(
      'the upload is there',
      async () => (await metricOf(host, 'portico_requests_in_flight')) === 1,
    );
    process.kill(front, 'SIGSTOP');
    // Longer than any of the limits; shorter than what the server bears.
    await delay(LIMIT_MS + 1_500);
    const late = await RawClient.open(host.port);
    late.send(head('GET /calm/'));
    idle.send(head('GET /calm/'));
    upload.send('x'.repeat(2000));
    partial.send('st: a\r\n\r\n');
    process.kill(front, 'SIGCONT');
    for (const [client, answer] of [
      [idle, 'calm 0'],
      [upload, 'calm 4000'],
      [partial, 'calm 0'],
      [late, 'calm 0'],
    ] as const) {
      expect((await client.response())?.body.toString()).toBe(answer);
      client.destroy();
    }
    expect(frontOf(host)).toBe(front);
  });
});
