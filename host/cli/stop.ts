import { setTimeout as delay } from 'node:timers/promises';
import { PorticoError } from '../errors.js';
import { readRunFile } from '../server/run-file.js';
import { AdminClient } from './admin-client.js';
import type { BaseOptions } from './base-options.js';
import { runningHostOf } from './running-host.js';

/** `portico stop`: asks the server to drain and waits until it has gone. */
export async function stop(options: BaseOptions): Promise<void> {
  const config = runningHostOf(options);
  const client = AdminClient.of(config);
  await client.stopServer();
  const deadline = Date.now() + config.shutdownTimeoutMs + 5000;
  while (readRunFile(config.folders.run) !== undefined) {
    if (Date.now() > deadline) {
      throw new PorticoError(
        'PORTICO_STOP_TIMEOUT',
        `The server (process ${client.server.pid}) has not stopped in time. Send SIGTERM again to force it.`,
      );
    }
    await delay(100);
  }
  process.stdout.write('stopped\n');
}
