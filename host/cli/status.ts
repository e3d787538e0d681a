import { AdminClient } from './admin-client.js';
import { applicationTable } from './application-table.js';
import type { OutputOptions } from './base-options.js';
import { certificateTable } from './certificate-table.js';
import { forTerminal } from './for-terminal.js';
import { runningHostOf } from './running-host.js';

/** `portico status [NAME]`: the server, or one application with its processes and last output. */
export async function status(name: string | undefined, options: OutputOptions): Promise<void> {
  const client = AdminClient.of(runningHostOf(options));
  if (name === undefined) {
    const { pid, startedAt, connectors, admin } = client.server;
    const doors = connectors
      .map((door) => `${door.name} ${door.socket ?? `${door.host}:${door.port}`}`)
      .join(', ');
    if (options.json) process.stdout.write(`${JSON.stringify(client.server, null, 2)}\n`);
    else {
      process.stdout.write(`running since ${startedAt}, process ${pid}\n`);
      process.stdout.write(`connectors: ${doors}; admin ${admin.host}:${admin.port}\n`);
      const certificates = certificateTable(await client.certificates());
      process.stdout.write(certificates === '' ? '\n' : `certificates:\n${certificates}\n`);
      process.stdout.write(applicationTable(await client.list()));
    }
    return;
  }
  const application = await client.status(name);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(application, null, 2)}\n`);
    return;
  }
  process.stdout.write(applicationTable([application]));
  if (application.lastOutput.length > 0) {
    process.stdout.write(
      `\nlast output:\n${application.lastOutput.map((line) => `  ${forTerminal(line)}\n`).join('')}`,
    );
  }
}
