import { AdminClient } from './admin-client.js';
import { applicationTable } from './application-table.js';
import type { BaseOptions } from './base-options.js';
import { runningHostOf } from './running-host.js';

/** `portico app start|stop|reload|undeploy NAME`: one application, the others are not touched. */
export async function app(verb: string, name: string, options: BaseOptions): Promise<void> {
  const client = AdminClient.of(runningHostOf(options));
  if (verb === 'undeploy') {
    await client.undeploy(name);
    process.stdout.write(`undeployed ${name}\n`);
    return;
  }
  process.stdout.write(applicationTable([await client.command(name, verb as 'start' | 'stop' | 'reload')]));
}
