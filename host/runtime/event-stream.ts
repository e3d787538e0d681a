import type { Exchange } from '../exchange/exchange.js';
import { FieldBlock, type Fields } from '../http/field-block.js';

/**
 * An answer that is an event stream (HTML standard §9.2 of "Server-sent events"), on its way to a client. It can be asked to go
 * away: between two events of the application the client gets the hint when to come back, and the stream ends. Belongs
 * to the request that it answers; `ended` is called once, when that was done.
 */
export class EventStream {
  readonly #exchange: Pick<Exchange, 'write' | 'end'>;
  readonly #ended: () => void;
  readonly #place = new EventPlace();
  #isLeaving = false;
  #isOver = false;

  constructor(exchange: Pick<Exchange, 'write' | 'end'>, ended: () => void) {
    this.#exchange = exchange;
    this.#ended = ended;
  }

  /** Ends it before the next event. A second time has no effect. */
  goAway(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    if (this.#place.isBetweenEvents) this.#end();
  }

  /** What the application sends. False: the client does not keep up. */
  write(chunk: Uint8Array): boolean {
    if (this.#isOver) return true;
    const taken = this.#place.follow(chunk, this.#isLeaving);
    const keepsUp = this.#exchange.write(taken === chunk.length ? chunk : chunk.subarray(0, taken));
    if (this.#isLeaving && this.#place.isBetweenEvents) this.#end();
    return keepsUp;
  }

  #end(): void {
    this.#isOver = true;
    this.#exchange.write(HINT);
    this.#exchange.end();
    this.#ended();
  }
}

/** Whether an answer that has begun is one: of a length that nobody knows, and in plain text. */
export function isEventStream(status: number, fields: Fields): boolean {
  if (status !== 200) return false;
  const block = fields instanceof FieldBlock ? fields : FieldBlock.of(fields);
  return (
    /^text\/event-stream\s*(?:;|$)/i.test(block.get('content-type') ?? '') &&
    !block.has('content-encoding') &&
    !block.has('content-length')
  );
}

/** As in the framework's plugin: a second, so that browsers come back when somebody else answers. */
const HINT = Buffer.from('retry: 1000\n\n');

/** Where in a stream of events one is: lines end in CR, LF or both, and an empty line ends an event. */
class EventPlace {
  #isLineStart = true;
  #isInEvent = false;
  #isComment = false;
  #isAfterReturn = false;

  /** What is sent now is a part of no event; comments are none. */
  get isBetweenEvents(): boolean {
    return this.#isLineStart && !this.#isInEvent;
  }

  /** Follows `chunk`, all of it or, with `untilBetween`, as far as the event that is going on. Gives the number of bytes. */
  follow(chunk: Uint8Array, untilBetween: boolean): number {
    for (let at = 0; at < chunk.length; at++) {
      this.#step(chunk[at] as number);
      if (untilBetween && this.isBetweenEvents) return at + 1;
    }
    return chunk.length;
  }

  #step(byte: number): void {
    const isSecondHalf = byte === LF && this.#isAfterReturn;
    this.#isAfterReturn = byte === CR;
    if (isSecondHalf) return;
    if (byte !== LF && byte !== CR) {
      if (this.#isLineStart) this.#isComment = byte === COLON;
      this.#isLineStart = false;
      return;
    }
    if (this.#isLineStart) this.#isInEvent = false;
    else if (!this.#isComment) this.#isInEvent = true;
    this.#isLineStart = true;
  }
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
