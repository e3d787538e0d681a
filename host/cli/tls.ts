import { PorticoError } from '../errors.js';
import { AdminClient } from './admin-client.js';
import type { OutputOptions } from './base-options.js';
import { certificateTable } from './certificate-table.js';
import { runningHostOf } from './running-host.js';

/** `portico tls reload|status [CONNECTOR]`: certificates of the running server. */
export async function tls(
  verb: string,
  connector: string | undefined,
  options: OutputOptions,
): Promise<void> {
  const client = AdminClient.of(runningHostOf(options));
  const state = verb === 'reload' ? await client.reloadCertificates(connector) : await client.certificates();
  // Every connector with TLS has a line there.
  const known = state.reloads.map((one) => one.connector);
  if (connector !== undefined && !known.includes(connector))
    throw new PorticoError(
      'PORTICO_CONNECTOR_UNKNOWN',
      `There is no connector ${JSON.stringify(connector)} with TLS. Those with TLS are: ${known.join(', ') || 'none'}.`,
    );
  process.stdout.write(
    options.json ? `${JSON.stringify(state, null, 2)}\n` : certificateTable(state, connector),
  );
}
