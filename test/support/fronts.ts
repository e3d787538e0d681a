import type { FrontStatus } from '#host/admin/traffic.js';
import type { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

/** The fronts of a host, in their order. */
async function frontsOf(host: TestHost): Promise<readonly FrontStatus[]> {
  const answer = (await (await host.admin('/v1/server')).json()) as { server: { fronts: FrontStatus[] } };
  return answer.server.fronts;
}

/** Kills the first front; resolves when another accepts in its place. */
export async function killFront(host: TestHost): Promise<void> {
  const [killed] = await frontsOf(host);
  if (killed?.pid === undefined) throw new Error('there is no front');
  process.kill(killed.pid, 'SIGKILL');
  await until('another front accepts', async () => {
    const [front] = await frontsOf(host);
    return front?.pid !== killed.pid && front?.state === 'running';
  });
}
