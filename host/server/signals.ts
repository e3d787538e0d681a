import type { ServerLog } from '../log/server-log.js';
import type { PorticoServer } from './server.js';

/**
 * SIGTERM and SIGINT drain the server and exit with 0, or with 1 when something had to be cut at the deadline, which the
 * server keeps itself. A second one forces with exit code 1. Call once in a process.
 */
export function handleSignals(server: PorticoServer, log: ServerLog, timeoutMs: number): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      log.warn({ signal }, 'second signal: stopping at once');
      server.kill();
      process.exit(1);
    }
    isStopping = true;
    log.info({ signal, timeoutMs }, 'stopping: finishing what is in flight');
    void server.stop();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  void server.stopped.then((isClean) => process.exit(isClean ? 0 : 1));
}
