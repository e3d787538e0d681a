import { resolve } from 'node:path';
import type { MaintenanceState } from '../admin/admin-collaborators.js';
import { PorticoError } from '../errors.js';
import { formatDuration, parseDuration } from '../units.js';
import { AdminClient } from './admin-client.js';
import type { OutputOptions } from './base-options.js';
import { runningHostOf } from './running-host.js';
import { textTable } from './text-table.js';

interface MaintenanceOptions extends OutputOptions {
  readonly file?: string;
  readonly retryAfter?: string;
  readonly virtualHost?: string;
  readonly wholeHost?: boolean;
}

/** `portico maintenance on|off NAME|--virtual-host NAME|--whole-host [--file page.html] [--retry-after 10m]`, and `list`. */
export async function maintenance(
  verb: string,
  name: string | undefined,
  options: MaintenanceOptions,
): Promise<void> {
  const client = AdminClient.of(runningHostOf(options));
  if (verb === 'list') {
    const closed = await client.maintenance();
    process.stdout.write(options.json ? `${JSON.stringify(closed, null, 2)}\n` : maintenanceTable(closed));
    return;
  }
  const { path, what, flags } = targetOf(name, options);
  if (verb === 'off') {
    await client.post(path, 'DELETE');
    const wider = await widerThan(name, client);
    process.stdout.write(
      wider === undefined ? `${what} is open again\n` : `${what} is still closed: ${wider}\n`,
    );
    return;
  }
  const { file, retryAfter } = options;
  const query = new URLSearchParams({
    ...(file === undefined ? {} : { file: resolve(file) }),
    ...(retryAfter === undefined ? {} : { retryAfter: String(Math.ceil(parseDuration(retryAfter) / 1000)) }),
  });
  await client.post(`${path}?${query}`);
  process.stdout.write(`${what} is closed for maintenance until "portico maintenance off ${flags}"\n`);
}

/** What is closed, one line each. */
export function maintenanceTable(closed: readonly MaintenanceState[]): string {
  if (closed.length === 0) return 'nothing is closed for maintenance\n';
  return textTable(
    ['CLOSED', 'BY', 'SINCE', 'RETRY AFTER', 'PAGE'],
    closed.map((one) => [
      one.path ?? one.host ?? 'the whole host',
      one.by === 'configuration' ? 'host.yaml' : 'operator',
      one.since,
      formatDuration(one.retryAfterSeconds * 1000),
      one.hasPage ? 'own' : 'plain',
    ]),
  );
}

/** What goes on to close an application that was opened, in words; undefined: nothing, or it is no application. */
async function widerThan(name: string | undefined, client: AdminClient): Promise<string | undefined> {
  if (name === undefined) return undefined;
  const applications = await client.list();
  const { maintenance } = applications.find((one) => one.name === name || one.path === name) ?? {};
  if (maintenance === undefined) return undefined;
  return maintenance === 'host' ? 'the whole host is' : 'its virtual host is';
}

function targetOf(
  name: string | undefined,
  { virtualHost, wholeHost = false }: MaintenanceOptions,
): { readonly path: string; readonly what: string; readonly flags: string } {
  const given = [name, virtualHost, wholeHost || undefined].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new PorticoError(
      'PORTICO_ARGUMENT_INVALID',
      `${given.length === 0 ? 'Nothing is' : 'Several things are'} named. Name an application, or --virtual-host NAME, or --whole-host.`,
    );
  if (wholeHost) return { path: '/v1/server/maintenance', what: 'the whole host', flags: '--whole-host' };
  if (virtualHost !== undefined)
    return {
      path: `/v1/hosts/${encodeURIComponent(virtualHost)}/maintenance`,
      what: virtualHost,
      flags: `--virtual-host ${virtualHost}`,
    };
  return {
    path: `/v1/applications/${encodeURIComponent(name ?? '')}/maintenance`,
    what: name ?? '',
    flags: name ?? '',
  };
}
