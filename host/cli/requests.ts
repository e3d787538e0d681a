import type { OpenRequest } from '../front/messages.js';
import { AdminClient } from './admin-client.js';
import { configOf, type OutputOptions } from './base-options.js';
import { forTerminal } from './for-terminal.js';
import { textTable } from './text-table.js';

/** `portico requests NAME`: what has been open for long, the oldest first. */
export async function requests(
  name: string,
  options: OutputOptions & { readonly olderThan?: string },
): Promise<void> {
  const found = await AdminClient.of(configOf(options)).requests(name, options.olderThan);
  process.stdout.write(options.json ? `${JSON.stringify(found, null, 2)}\n` : requestTable(found));
}

function requestTable({
  requests,
  total,
}: {
  readonly requests: readonly OpenRequest[];
  readonly total: number;
}): string {
  if (total === 0) return 'no request has been open for so long\n';
  const table = textTable(
    ['AGE', 'METHOD', 'PATH', 'STATE', 'STATUS', 'IN', 'OUT', 'CLIENT'],
    requests.map((one) => [
      `${(one.ageMs / 1000).toFixed(1)}s`,
      one.method,
      forTerminal(one.path),
      one.state,
      one.status === 0 ? '' : String(one.status),
      String(one.bytesIn),
      String(one.bytesOut),
      one.client,
    ]),
  );
  return total > requests.length ? `${table}and ${total - requests.length} more\n` : table;
}
