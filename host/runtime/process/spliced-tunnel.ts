import type { Exchange } from '../../exchange/exchange.js';
import type { OutgoingExchange } from '../../exchange/exchange-client.js';
import { type Departure, FAREWELLS } from '../../lifecycle/departure.js';
import { closeFrame, FrameTracker } from './frame-tracker.js';

/** What a tunnel needs of the application's end. */
export type ApplicationEnd = Pick<OutgoingExchange, 'write' | 'consumed' | 'end'>;

/**
 * The two directions of a request that became a tunnel (101), with the flow control of both carried through. A
 * WebSocket can be asked to go away: the client gets a close frame, which says why, between two frames of the
 * application, the application gets what the client answers, and then both ends are closed. Any other protocol is a
 * secret of its ends; such a tunnel can only be cut.
 */
export class SplicedTunnel {
  readonly #exchange: Exchange;
  readonly #outgoing: ApplicationEnd;
  readonly #fromApplication: FrameTracker | undefined;
  readonly #fromClient: FrameTracker | undefined;
  #owedToApplication = 0;
  #owedToClient = 0;
  #hasApplicationEnded = false;
  #hasClientEnded = false;
  /** We were asked to close it, for this reason. */
  #departure: Departure | undefined;
  /** The client has our close frame; nothing of the application reaches it any more. */
  #isSilenced = false;
  #isEnding = false;

  /** `protocol`: what the application switches to; undefined: what the client asked for. */
  constructor(exchange: Exchange, outgoing: ApplicationEnd, protocol = exchange.head.upgrade) {
    this.#exchange = exchange;
    this.#outgoing = outgoing;
    if (protocol?.toLowerCase() === 'websocket') {
      this.#fromApplication = new FrameTracker();
      this.#fromClient = new FrameTracker();
    }
  }

  /** Asks a WebSocket client to close. Does nothing to other protocols; the owner cuts them at its deadline. */
  goAway(departure: Departure): void {
    if (this.#departure !== undefined || this.#fromApplication === undefined) return;
    this.#departure = departure;
    if (this.#fromApplication.isAtBoundary) this.#sendClose(departure);
  }

  fromApplication(chunk: Buffer): void {
    const tracker = this.#fromApplication;
    if (this.#isSilenced) {
      this.#outgoing.consumed(chunk.length);
      return;
    }
    const departure = this.#departure;
    if (departure === undefined || tracker === undefined) {
      tracker?.follow(chunk);
      this.#toClient(chunk, chunk.length);
      return;
    }
    const rest = tracker.finishFrame(chunk);
    // All of the chunk is paid for, though only the end of the frame in progress is sent.
    if (rest > 0) this.#toClient(chunk.subarray(0, rest), chunk.length);
    else this.#outgoing.consumed(chunk.length);
    if (tracker.isAtBoundary) this.#sendClose(departure);
  }

  fromClient(chunk: Buffer): void {
    this.#fromClient?.follow(chunk);
    if (this.#isEnding || this.#hasApplicationEnded) this.#exchange.consumed(chunk.length);
    else if (this.#outgoing.write(chunk)) this.#exchange.consumed(chunk.length);
    else this.#owedToClient += chunk.length;
    this.#endWhenClosed();
  }

  clientDrained(): void {
    const bytes = this.#owedToApplication;
    this.#owedToApplication = 0;
    if (bytes > 0) this.#outgoing.consumed(bytes);
  }

  instanceDrained(): void {
    const bytes = this.#owedToClient;
    this.#owedToClient = 0;
    if (bytes > 0) this.#exchange.consumed(bytes);
  }

  /** The application sends no more. True when the tunnel is over. */
  applicationEnded(): boolean {
    if (!this.#hasApplicationEnded) {
      this.#hasApplicationEnded = true;
      if (!this.#isEnding) this.#exchange.end();
    }
    return this.#hasClientEnded;
  }

  /** The client sends no more. True when the tunnel is over. */
  clientEnded(): boolean {
    if (!this.#hasClientEnded) {
      this.#hasClientEnded = true;
      if (!this.#isEnding) this.#outgoing.end();
    }
    return this.#hasApplicationEnded;
  }

  #sendClose(departure: Departure): void {
    if (this.#isSilenced) return;
    this.#isSilenced = true;
    // A close of the application has said all there is to say (RFC 6455 §5.5.1).
    const { code, reason } = FAREWELLS[departure];
    if (this.#fromApplication?.hasSeenClose !== true) this.#exchange.write(closeFrame(code, reason));
    this.#endWhenClosed();
  }

  /** Both close frames were exchanged: the server's side closes the connection (RFC 6455 §7.1.1). */
  #endWhenClosed(): void {
    if (!this.#isSilenced || this.#isEnding || this.#fromClient?.hasSeenClose !== true) return;
    this.#isEnding = true;
    if (!this.#hasApplicationEnded) this.#exchange.end();
    if (!this.#hasClientEnded) this.#outgoing.end();
  }

  #toClient(chunk: Buffer, credit: number): void {
    if (this.#exchange.write(chunk)) this.#outgoing.consumed(credit);
    else this.#owedToApplication += credit;
  }
}
