import { Socket } from 'node:net';

/**
 * Gives what arrives on `socket` to `onData`, each chunk in a buffer of its own that is never used again.
 *
 * Node makes room for 64 KiB before each read and gives back what was not filled; for small requests this is a good
 * part of their whole cost. It can read into one buffer for ever (option `onread` of `new net.Socket`), only not on
 * sockets that a server has accepted. So the same is set up from outside here: all connections share one buffer, and
 * what was read is copied out of it at once. It uses four inner names of `node:net` and changes none; where one is
 * not found, or bytes have been received before, the socket is read with its 'data' event.
 *
 * 'end', 'close', `pause` and `resume` behave as ever. To be called once, on a socket that nobody has read from.
 */
export function readFrom(socket: Socket, onData: (chunk: Buffer) => void): void {
  if (SLOTS === undefined || !isPlain(socket)) {
    socket.on('data', onData);
    return;
  }
  const inner = socket as unknown as Record<symbol, unknown> & { readonly _handle: StreamHandle };
  inner[SLOTS.buffer] = SHARED;
  inner[SLOTS.callback] = (size: number): boolean => {
    onData(copyOf(size));
    return true;
  };
  inner._handle.useUserBuffer(SHARED);
  socket.resume();
}

interface StreamHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

/** What Node reads into. Holds nothing once the callback has returned. */
const SHARED: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
/** Up to this size a loop is faster than a native call. */
const LOOP_BYTES = 256;

/** Where a socket keeps the buffer it reads into and the function that is told of bytes in it. */
const SLOTS = slotsOf(new Socket());

function slotsOf(socket: Socket): { readonly buffer: symbol; readonly callback: symbol } | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const buffer = symbols.find(({ description }) => description === 'kBuffer');
  const callback = symbols.find(({ description }) => description === 'kBufferCb');
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback };
}

/** A TCP or Unix socket as Node has made it: not TLS, not a stream that only looks like a socket. */
function isPlain(socket: Socket): boolean {
  if (Object.getPrototypeOf(socket) !== Socket.prototype || socket.readableLength > 0) return false;
  const handle = (socket as unknown as { readonly _handle?: Partial<StreamHandle> | null })._handle;
  return typeof handle?.useUserBuffer === 'function';
}

function copyOf(size: number): Buffer {
  const copy = Buffer.allocUnsafe(size);
  if (size > LOOP_BYTES) SHARED.copy(copy, 0, 0, size);
  else for (let i = 0; i < size; i++) copy[i] = SHARED[i] as number;
  return copy;
}
