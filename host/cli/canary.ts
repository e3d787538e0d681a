import { counted } from '../counted.js';
import type { CanaryStatus } from '../deployer/live/canaries.js';
import { formatDuration } from '../units.js';
import { AdminClient } from './admin-client.js';
import { configOf, type OutputOptions } from './base-options.js';

/** `portico canary NAME status|promote|abort`: the version of an application that is coming into use. */
export async function canary(name: string, verb: string, options: OutputOptions): Promise<void> {
  const client = AdminClient.of(configOf(options));
  if (verb === 'status') {
    const status = await client.canary(name);
    process.stdout.write(options.json ? `${JSON.stringify(status, null, 2)}\n` : textOf(status));
    return;
  }
  await client.endCanary(name, verb === 'promote' ? 'promote' : 'abort');
  process.stdout.write(
    verb === 'promote'
      ? `the canary of ${name} serves all new clients\n`
      : `the canary of ${name} is aborted; its clients get what served before\n`,
  );
}

function textOf(status: CanaryStatus): string {
  const { name, replaces, path, step, steps, share, requests, errors, minRequests, maxErrorRate } = status;
  const seconds = Math.floor(status.stepForMs / 1000);
  return [
    `${name} is to replace ${replaces} at ${path}`,
    `step ${step} of ${steps.length} (${steps.map((one) => `${one}%`).join(', ')}): ${share}% of the new clients`,
    `for ${seconds} s of ${formatDuration(status.intervalMs)}`,
    `${counted(requests, 'request')}, ${errors} failed; judged from ${counted(minRequests, 'request')}, aborted above ${maxErrorRate * 100}%`,
    '',
  ].join('\n');
}
