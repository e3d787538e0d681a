import { AdminClient } from './admin-client.js';
import { applicationTable } from './application-table.js';
import { configOf, type OutputOptions } from './base-options.js';

/** `portico list`: one line for each application. */
export async function list(options: OutputOptions): Promise<void> {
  const applications = await AdminClient.of(configOf(options)).list();
  process.stdout.write(
    options.json ? `${JSON.stringify(applications, null, 2)}\n` : applicationTable(applications),
  );
}
