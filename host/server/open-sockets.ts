import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectorConfig } from '../config/host-config.js';
import { PorticoError } from '../errors.js';
import type { ServerLog } from '../log/server-log.js';
import { ListeningSocket } from './listening-socket.js';
import type { InheritedSockets } from './systemd/inherited-sockets.js';

/** For a front that was ended to let go of its sockets. */
const LET_GO_MS = 2000;
const LOOK_MS = 25;
const IN_USE: readonly string[] = ['PORTICO_PORT_IN_USE', 'PORTICO_SOCKET_IN_USE'];

/**
 * Takes the addresses of all connectors, in their order. Rejects with the first that cannot be had, and then holds none. One that is
 * in use may be so by a front of a server that was killed, and that hangs: `endFronts` ends those; false: there was none.
 */
export async function openSockets(
  connectors: readonly ConnectorConfig[],
  inherited: InheritedSockets,
  log: ServerLog,
  endFronts: () => Promise<boolean>,
): Promise<readonly ListeningSocket[]> {
  const sockets: ListeningSocket[] = [];
  try {
    for (const connector of connectors) {
      const socket = open(connector, inherited).catch(async (error: unknown) => {
        if (!isInUse(error) || !(await endFronts())) throw error;
        log.warn(
          { connector: connector.name },
          `a front of a server that is no more held ${connector.name}; it was ended`,
        );
        return await openSoon(connector, inherited);
      });
      sockets.push(await socket);
    }
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  const { unused } = inherited;
  if (unused.length > 0)
    log.warn({ sockets: unused }, `systemd has passed sockets that no connector takes: ${unused.join(', ')}`);
  return sockets;
}

async function openSoon(connector: ConnectorConfig, inherited: InheritedSockets): Promise<ListeningSocket> {
  const end = performance.now() + LET_GO_MS;
  for (;;) {
    try {
      return await open(connector, inherited);
    } catch (error) {
      if (!isInUse(error) || performance.now() > end) throw error;
      await delay(LOOK_MS);
    }
  }
}

function isInUse(error: unknown): boolean {
  return error instanceof PorticoError && IN_USE.includes(error.code);
}

async function open(
  { name, host, port, socket, systemd }: ConnectorConfig,
  inherited: InheritedSockets,
): Promise<ListeningSocket> {
  if (systemd !== undefined) return ListeningSocket.inherit(name, systemd, inherited.take(name, systemd));
  if (socket !== undefined) return await ListeningSocket.openUnix(name, socket);
  return await ListeningSocket.open(name, host, port);
}
