import { messageOf } from '../errors.js';

/** What is stopped when the process is told to end. */
export interface StoppedAtExit {
  /** Resolves true when everything ended in order, false when something had to be cut. */
  stopForExit(): Promise<boolean>;
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];
const registered = new Set<StoppedAtExit>();
let isExiting = false;

/**
 * Stops `server` at SIGTERM and SIGINT, then ends the process: with 0 when everything ended in order, with 1 when
 * something had to be cut or failed. The servers of a process stop one after the other, the last one first. A second
 * signal ends the process at once with 1. Gives the function that takes it back; after the last one the process has no
 * listeners of ours.
 */
export function registerShutdownHook(server: StoppedAtExit): () => void {
  if (registered.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal);
  registered.add(server);
  return () => {
    // While the process ends the listeners stay: without them a second signal would kill it in the middle.
    if (!registered.delete(server) || registered.size > 0 || isExiting) return;
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

function onSignal(): void {
  if (isExiting) process.exit(1);
  isExiting = true;
  void stopAll([...registered].reverse()).then((isClean) => process.exit(isClean ? 0 : 1));
}

async function stopAll(servers: readonly StoppedAtExit[]): Promise<boolean> {
  let isClean = true;
  for (const server of servers) {
    try {
      isClean = (await server.stopForExit()) && isClean;
    } catch (error) {
      console.error(`A server could not be stopped: ${messageOf(error)}`, error);
      isClean = false;
    }
  }
  return isClean;
}
