import { AdminClient } from './admin-client.js';
import { applicationTable } from './application-table.js';
import type { OutputOptions } from './base-options.js';
import { runningHostOf } from './running-host.js';

/** `portico list`: one line for each application. */
export async function list(options: OutputOptions): Promise<void> {
  const applications = await AdminClient.of(runningHostOf(options)).list();
  process.stdout.write(
    options.json ? `${JSON.stringify(applications, null, 2)}\n` : applicationTable(applications),
  );
}
