import { connect } from 'node:net';
import type { InstanceAddress } from '../front/messages.js';

/** True when something accepts connections at this address within `timeoutMs`. Never rejects. */
export function acceptsConnections(
  { httpPort = 0, socketPath }: Pick<InstanceAddress, 'httpPort' | 'socketPath'>,
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = httpPort > 0 ? connect(httpPort, '127.0.0.1') : connect(socketPath);
    const finish = (isAccepting: boolean): void => {
      socket.destroy();
      resolve(isAccepting);
    };
    socket.setTimeout(timeoutMs, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}
