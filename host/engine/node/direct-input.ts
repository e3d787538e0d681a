import type { Socket } from 'node:net';
import { canReadInto, readFrom } from '../../exchange/socket-input.js';

/** Takes a large body as it is read from the socket. */
export interface DirectReceiver {
  /** Bytes of the body that have not come yet. */
  readonly remaining: number;
  /** Where the next of them belong; never more than `remaining`. Undefined: anywhere. */
  readonly room: Buffer | undefined;
  /** The next bytes; `remaining` is smaller by so many when it returns. */
  take(chunk: Buffer): void;
}

/**
 * Reads large request bodies from a connection of `node:http` into the place where they are wanted. The parser of Node is
 * wired to the socket, reads 64 KiB at a time and gives a copy of each piece; with bodies of a megabyte the garbage that
 * these copies are costs more than anything else. Here the parser is taken off the socket: what comes is given to it by
 * hand, and while a body is read directly it counts the bytes without copying them. One for each connection that has
 * had such a body, until the connection ends.
 *
 * Uses inner names of Node; where one is missing, or somebody else reads from the socket, nothing is done.
 */
export class DirectInput {
  readonly #socket: InnerSocket;
  #receiver: DirectReceiver | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket as InnerSocket;
  }

  /**
   * Gives all that comes next on `socket` to `receiver`, until its body is complete. MUST be called when the parser has no bytes
   * of the body left that `receiver` has not. False when that cannot be done; then all is as before.
   */
  static begin(socket: Socket, receiver: DirectReceiver): boolean {
    let input = INPUTS.get(socket);
    if (input === undefined) {
      const parser = fitParserOf(socket);
      if (parser === undefined) return false;
      parser.unconsume();
      parser._consumed = false;
      const made = new DirectInput(socket);
      input = made;
      INPUTS.set(socket, input);
      readFrom(
        socket,
        (chunk) => made.#onData(chunk),
        () => made.#receiver?.room,
      );
    }
    input.#receiver = receiver;
    return true;
  }

  #onData(chunk: Buffer): void {
    const socket = this.#socket;
    const { parser } = socket;
    if (parser === null || parser === undefined) {
      // Upgraded: whoever has the socket now reads it as a stream.
      if (!socket.push(chunk)) socket.pause();
      return;
    }
    const receiver = this.#receiver;
    if (receiver === undefined) {
      socket.emit('data', chunk);
      return;
    }
    const part = chunk.length <= receiver.remaining ? chunk : chunk.subarray(0, receiver.remaining);
    receiver.take(part);
    if (receiver.remaining <= 0) this.#receiver = undefined;
    this.#count(parser, part);
    if (part.length < chunk.length) this.#onData(chunk.subarray(part.length));
  }

  /** The parser learns that these bytes of the body have come; without a function to tell it makes no copy of them. */
  #count(parser: InnerParser, part: Buffer): void {
    const onBody = parser[ON_BODY];
    parser[ON_BODY] = undefined;
    try {
      this.#socket.emit('data', part);
    } finally {
      parser[ON_BODY] = onBody;
    }
  }
}

const INPUTS = new WeakMap<Socket, DirectInput>();

/** Where a parser of Node keeps the function that gets the pieces of bodies. */
const ON_BODY = 3;

interface InnerParser {
  _consumed: boolean;
  unconsume(): void;
  [ON_BODY]: unknown;
}

interface InnerSocket extends Socket {
  readonly parser?: InnerParser | null;
  /** Node has stopped it since too much is to be sent. */
  readonly _paused?: boolean;
}

/** The parser that is wired to the socket, when all is as it is known here. */
function fitParserOf(socket: Socket): InnerParser | undefined {
  const { parser, _paused } = socket as InnerSocket;
  const isKnown =
    parser?._consumed === true &&
    typeof parser.unconsume === 'function' &&
    (parser[ON_BODY] as { name?: string } | undefined)?.name === 'parserOnBody' &&
    _paused !== true &&
    socket.listenerCount('data') === 1 &&
    canReadInto(socket);
  return isKnown ? parser : undefined;
}
