import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';
import { RawClient } from '#test/support/raw-client.js';

const LIMIT = 16;
const CONFIG = `deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
fronts: 2
connectors: [{ limits: { maxConnections: ${LIMIT} } }]
`;

describe('maxConnections with two fronts', () => {
  let host: TestHost;
  const clients: RawClient[] = [];

  /** Opens one more connection, which stays; the status of its first answer. */
  async function status(): Promise<number | undefined> {
    const client = await RawClient.open(host.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const response = await client.response();
    if (response?.status === 200) clients.push(client);
    else client.destroy();
    return response?.status;
  }

  const open = async (): Promise<number> =>
    Number(/^portico_connections (\d+)/m.exec(await (await host.admin('/metrics')).text())?.[1]);

  /** Opens connections until one is refused; says how many were served. */
  async function fill(): Promise<number> {
    let served = 0;
    while (served < 3 * LIMIT && (await status()) === 200) {
      served += 1;
      // Asked for metrics, every front has told the others.
      await until('all are counted', async () => (await open()) === clients.length || undefined);
    }
    return served;
  }

  const closeAll = async (): Promise<void> => {
    for (const client of clients.splice(0)) client.destroy();
    await until('all are gone', async () => (await open()) === 0 || undefined);
  };

  beforeAll(async () => {
    host = await TestHost.start({ config: CONFIG, apps: { ROOT: { 'index.html': 'root' } } });
  });
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await host.stop();
  });

  it('holds for both together, and there is room again when connections end', async () => {
    const first = await fill();
    expect(first).toBeGreaterThanOrEqual(LIMIT);
    expect(first).toBeLessThanOrEqual(LIMIT + 2);
    await closeAll();
    await until('room', async () => (await status()) === 200 || undefined);
    await closeAll();
  });

  it('forgets what fronts had that were killed', async () => {
    await fill();
    const fronts = async (): Promise<{ pid: number; state: string }[]> => {
      const { server } = (await (await host.admin('/v1/server')).json()) as {
        server: { fronts: { pid: number; state: string }[] };
      };
      return server.fronts;
    };
    const killed = (await fronts()).map(({ pid }) => pid);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await until('other fronts', async () => {
      const now = await fronts();
      return now.every(({ pid, state }) => state === 'running' && !killed.includes(pid)) || undefined;
    });
    await closeAll();
    const again = await fill();
    expect(again).toBeGreaterThanOrEqual(LIMIT);
    expect(again).toBeLessThanOrEqual(LIMIT + 2);
  });
});
