import { EventLog } from '../log/event-log.js';
import { createServerLog } from '../log/server-log.js';
import { closeInheritedDescriptors } from '../server/inherited-descriptors.js';
import { PorticoServer } from '../server/server.js';
import { handleSignals } from '../server/signals.js';
import { configOf, type PortOptions } from './base-options.js';

/** `portico start`: runs the host in the foreground until a signal or `portico stop`. */
export async function start(options: PortOptions & { readonly log?: 'text' | 'json' }): Promise<void> {
  closeInheritedDescriptors();
  const config = configOf(options);
  const events = new EventLog();
  const log = createServerLog({ format: options.log ?? 'auto', events });
  const server = new PorticoServer({ config, log, events, readConfig: () => configOf(options) });
  handleSignals(server, log, config.shutdownTimeoutMs);
  await server.start();
}
