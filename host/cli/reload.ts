import { reloadText } from '../server/running-config.js';
import { AdminClient } from './admin-client.js';
import type { OutputOptions } from './base-options.js';
import { runningHostOf } from './running-host.js';

/** `portico reload`: has the running server read `host.yaml` again. */
export async function reload(options: OutputOptions): Promise<void> {
  const result = await AdminClient.of(runningHostOf(options)).reloadServer();
  process.stdout.write(`${options.json ? JSON.stringify(result, null, 2) : reloadText(result)}\n`);
}
