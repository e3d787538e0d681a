import { Socket } from 'node:net';

/**
 * Cuts a connection so that its peer does not take it for an orderly end: TCP is reset. Below TLS too; a Unix socket knows
 * no reset and is closed.
 */
export function resetSocket(socket: Socket): void {
  const carrier = carrierOf(socket) ?? socket;
  try {
    carrier.resetAndDestroy();
  } catch {
    // Only TCP can be reset. Node throws before it has done anything.
    carrier.destroy();
  }
  if (carrier !== socket) socket.destroy();
}

/** The connection that carries one with TLS, as Node keeps it; undefined for others. */
export function carrierOf(socket: Socket): Socket | undefined {
  const parent: unknown = (socket as { readonly _parent?: unknown })._parent;
  return parent instanceof Socket ? parent : undefined;
}
