import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * Gives what arrives on `socket` to `onData`, each chunk in a buffer of its own that is never used again.
 *
 * Node makes room for 64 KiB before each read and gives back what was not filled; for small requests this is a good
 * part of their whole cost. It can read into one buffer for ever (option `onread` of `new net.Socket`), only not on
 * sockets that a server has accepted. So the same is set up from outside here: all connections share one buffer, and
 * what was read is copied out of it at once. It uses five inner names of `node:net` and changes none; where one is
 * not found, or bytes have been received before, the socket is read with its 'data' event.
 *
 * After each chunk `room` may name memory for the next one, which is then read into it and not copied at all; the chunk
 * is the filled part of that memory.
 *
 * 'end', 'close', `pause` and `resume` behave as ever. To be called once, on a socket that nobody has read from.
 */
export function readFrom(
  socket: Socket,
  onData: (chunk: Buffer) => void,
  room: () => Buffer | undefined = noRoom,
): void {
  if (SLOTS === undefined || !isNative(socket)) {
    socket.on('data', onData);
    return;
  }
  const inner = socket as unknown as Record<symbol, unknown> & { readonly _handle: StreamHandle };
  const { buffer, callback, generator } = SLOTS;
  inner[buffer] = SHARED;
  let next: Buffer = SHARED;
  // Node asks it behind the callback where to read from now on.
  const giveNext = (): Buffer => {
    inner[generator] = null;
    return next;
  };
  inner[callback] = (size: number, from: Buffer): boolean => {
    onData(from === SHARED ? copyOf(size) : from.subarray(0, size));
    const wanted = room();
    if (wanted === undefined && from === SHARED) return true;
    next = wanted ?? SHARED;
    inner[generator] = giveNext;
    return true;
  };
  inner._handle.useUserBuffer(SHARED);
  socket.resume();
}

/**
 * Stops what `readFrom` began, and puts back what was read: the next reader gets it first. The socket goes on reading, so
 * the next reader has to take over at once.
 */
export function handBack(socket: Socket, bytes: Buffer): void {
  const inner = socket as unknown as Record<symbol, unknown>;
  if (SLOTS !== undefined && isNative(socket))
    inner[SLOTS.buffer] = inner[SLOTS.callback] = inner[SLOTS.generator] = null;
  socket.removeAllListeners('data');
  socket.pause();
  socket.unshift(bytes);
}

/** Whether `readFrom` reads this socket into memory that is named, and not with its 'data' event. */
export function canReadInto(socket: Socket): boolean {
  return SLOTS !== undefined && isNative(socket);
}

interface StreamHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

/** What Node reads into. Holds nothing once the callback has returned. */
const SHARED: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
/** Up to this size a loop is faster than a native call. */
const LOOP_BYTES = 256;

/** Where a socket keeps the buffer it reads into, who is told of bytes in it, and who names the next buffer. */
interface Slots {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

const SLOTS = slotsOf(new Socket());

function slotsOf(socket: Socket): Slots | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const named = (name: string): symbol | undefined => symbols.find(({ description }) => description === name);
  const buffer = named('kBuffer');
  const callback = named('kBufferCb');
  const generator = named('kBufferGen');
  if (buffer === undefined || callback === undefined || generator === undefined) return undefined;
  return { buffer, callback, generator };
}

function noRoom(): undefined {
  return undefined;
}

/** A TCP or Unix socket as Node has made it, or its TLS over one: not a stream that only looks like a socket. */
function isNative(socket: Socket): boolean {
  const kind: unknown = Object.getPrototypeOf(socket);
  if ((kind !== Socket.prototype && kind !== TLSSocket.prototype) || socket.readableLength > 0) return false;
  const handle = (socket as unknown as { readonly _handle?: Partial<StreamHandle> | null })._handle;
  return typeof handle?.useUserBuffer === 'function';
}

function copyOf(size: number): Buffer {
  const copy = Buffer.allocUnsafe(size);
  if (size > LOOP_BYTES) SHARED.copy(copy, 0, 0, size);
  else for (let i = 0; i < size; i++) copy[i] = SHARED[i] as number;
  return copy;
}
