import type { ApplicationStatus } from '../deployer/application-status.js';
import type { SpareStatus } from '../supervisor/spares/spare-processes.js';
import { AdminClient } from './admin-client.js';
import { applicationTable, sizeOf } from './application-table.js';
import type { OutputOptions } from './base-options.js';
import { certificateTable } from './certificate-table.js';
import { forTerminal } from './for-terminal.js';
import { maintenanceTable } from './maintenance.js';
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
      const certificates = certificateTable(await client.certificates());
      const closed = await client.maintenance();
      process.stdout.write(
        `running since ${startedAt}, process ${pid}\n` +
          `connectors: ${doors}; admin ${admin.host}:${admin.port}\n` +
          spareText(await client.spares()) +
          (certificates === '' ? '\n' : `certificates:\n${certificates}\n`) +
          (closed.length === 0 ? '' : `maintenance:\n${maintenanceTable(closed)}\n`) +
          applicationTable(await client.list()),
      );
    }
    return;
  }
  const application = await client.status(name);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(application, null, 2)}\n`);
    return;
  }
  process.stdout.write(applicationTable([application]));
  const spare = application.instances.filter(({ isFromSpare }) => isFromSpare).map(({ pid }) => pid ?? '-');
  if (spare.length > 0) process.stdout.write(`started in a spare process: ${spare.join(' ')}\n`);
  process.stdout.write(crashText(application));
  if (application.lastOutput.length > 0) {
    process.stdout.write(
      `\nlast output:\n${application.lastOutput.map((line) => `  ${forTerminal(line)}\n`).join('')}`,
    );
  }
}

/** `''` for a host that is to have none. */
function spareText(status: SpareStatus | undefined): string {
  if (status === undefined) return '';
  const { wanted, processes, used, missed, unfit } = status;
  const count = wanted.server + wanted.framework;
  if (count === 0) return '';
  const ready = processes.filter(({ state }) => state === 'ready').length;
  const memory = sizeOf(processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0));
  return (
    `spare processes: ${ready} of ${count} ready${memory === '' ? '' : `, ${memory}`}; ` +
    `${used} used, ${missed} missed, ${unfit} starts that cannot use one\n`
  );
}

/** How instances ended last, and what is known of the reason. */
function crashText({ lastCrash, retryAt, instances }: ApplicationStatus): string {
  const crashes = [lastCrash, ...instances.map((one) => one.lastCrash)].filter((one) => one !== undefined);
  const lines = crashes.flatMap(({ at, instance, reason, stack = [], heap }) => [
    `last crash: ${at} ${instance} ${reason}`,
    ...stack.map((frame) => `    ${frame}`),
    ...(heap === undefined ? [] : [`  heap: ${sizeOf(heap.usedBytes)} of ${sizeOf(heap.limitBytes)} used`]),
  ]);
  if (retryAt !== undefined) lines.push(`tried again at ${retryAt}, or by "portico app start"`);
  return lines.map((line) => `${forTerminal(line)}\n`).join('');
}
