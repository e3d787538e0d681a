import type { ServerLog } from '../log/server-log.js';
import type { PorticoServer } from './server.js';

/**
 * SIGTERM and SIGINT drain the server and exit with 0, or with 1 when something had to be cut at the deadline, which the
 * server keeps itself. A second one forces with exit code 1. SIGHUP has `host.yaml` read again; on a terminal it says that
 * the terminal has gone, and stops the server like the others. Call once in a process.
 */
export function handleSignals(server: PorticoServer, log: ServerLog, timeoutMs: number): void {
  const isOnTerminal = process.stdin.isTTY === true || process.stdout.isTTY === true;
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
  process.on('SIGHUP', (signal) => {
    if (isOnTerminal) stop(signal);
    // The server has logged what is wrong.
    else server.reload().catch(() => undefined);
  });
  void server.stopped.then((isClean) => process.exit(isClean ? 0 : 1));
}
