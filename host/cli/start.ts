import { createLogger } from '../log/logger.js';
import { PorticoServer } from '../server/server.js';
import { handleSignals } from '../server/signals.js';
import { configOf, type PortOptions } from './base-options.js';

/** `portico start`: runs the host in the foreground until a signal or `portico stop`. */
export async function start(options: PortOptions): Promise<void> {
  const config = configOf(options);
  const logger = createLogger();
  const server = new PorticoServer({ config, logger });
  handleSignals(server, logger, config.shutdownTimeoutMs);
  await server.start();
}
