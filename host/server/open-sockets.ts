import type { ConnectorConfig } from '../config/host-config.js';
import type { ServerLog } from '../log/server-log.js';
import { ListeningSocket } from './listening-socket.js';
import type { InheritedSockets } from './systemd/inherited-sockets.js';

/**
 * Takes the addresses of all connectors, in their order. Rejects with the first that cannot be had, and then holds none.
 */
export async function openSockets(
  connectors: readonly ConnectorConfig[],
  inherited: InheritedSockets,
  log: ServerLog,
): Promise<readonly ListeningSocket[]> {
  const sockets: ListeningSocket[] = [];
  try {
    for (const connector of connectors) sockets.push(await open(connector, inherited));
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  const { unused } = inherited;
  if (unused.length > 0)
    log.warn({ sockets: unused }, `systemd has passed sockets that no connector takes: ${unused.join(', ')}`);
  return sockets;
}

async function open(
  { name, host, port, socket, systemd }: ConnectorConfig,
  inherited: InheritedSockets,
): Promise<ListeningSocket> {
  if (systemd !== undefined) return ListeningSocket.inherit(name, systemd, inherited.take(name, systemd));
  if (socket !== undefined) return await ListeningSocket.openUnix(name, socket);
  return await ListeningSocket.open(name, host, port);
}
