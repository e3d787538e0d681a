import { AdminClient } from './admin-client.js';
import { applicationTable } from './application-table.js';
import { type BaseOptions, configOf } from './base-options.js';

/** `portico rollback NAME [--to N]`: content that served before serves again. */
export async function rollback(name: string, options: BaseOptions & { readonly to?: string }): Promise<void> {
  const application = await AdminClient.of(configOf(options)).rollback(name, options.to);
  process.stdout.write(applicationTable([application]));
}
