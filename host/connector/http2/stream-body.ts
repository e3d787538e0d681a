import type { ServerHttp2Stream } from 'node:http2';
import type { RequestListener } from '../../exchange/exchange.js';
import { FieldBlock } from '../../http/field-block.js';
import { BODY_WINDOW_BYTES } from '../http1-exchange.js';
import { isForbiddenTrailer } from '../trailer-parser.js';

/** What the body tells its exchange. */
export interface BodyOwner {
  /** Bytes have arrived. */
  bodyArrived(bytes: number): void;
  /** The listener threw. */
  listenerFailed(error: unknown): void;
  /** The last byte was delivered, and the end of it. */
  bodyEnded(): void;
  /** Nobody wants it and it does not end. */
  bodyUnwanted(): void;
}

/**
 * The bytes a client sends on one stream, given to the listener as far as it has credit. Without credit the stream is
 * not read, and the client's window stays closed (RFC 9113 §5.2). Owned by the exchange.
 */
export class StreamBody {
  isEnded = false;

  private readonly stream: ServerHttp2Stream;
  private readonly owner: BodyOwner;
  private listener: RequestListener | undefined;
  private credit = BODY_WINDOW_BYTES;
  /** What was read beyond the credit. */
  private held: Buffer | undefined;
  private hasInputEnded = false;
  private isStarted = false;
  private trailers: FieldBlock | undefined;
  private swallowLeft = 0;

  constructor(stream: ServerHttp2Stream, owner: BodyOwner) {
    this.stream = stream;
    this.owner = owner;
  }

  /** True when the client may not send because of us. */
  get isPaused(): boolean {
    return !this.isStarted || (this.listener !== undefined && this.credit <= 0);
  }

  /** Begins to read. */
  start(listener: RequestListener): void {
    this.listener = listener;
    this.read();
  }

  /** Reads and drops `bytes` at most. */
  swallow(bytes: number): void {
    this.listener = undefined;
    this.held = undefined;
    this.swallowLeft = bytes;
    this.read();
    this.stream.resume();
  }

  consumed(bytes: number): void {
    this.credit = Math.min(this.credit + bytes, BODY_WINDOW_BYTES);
    if (!this.isStarted || this.listener === undefined || this.credit <= 0) return;
    const { held } = this;
    if (held !== undefined) {
      this.held = undefined;
      this.deliver(held);
    }
    if (this.held !== undefined || this.credit <= 0) return;
    if (this.hasInputEnded) this.finish();
    else if (this.stream.isPaused()) this.stream.resume();
  }

  private read(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    const { stream } = this;
    stream.on('data', (chunk: Buffer) => this.onData(chunk));
    stream.on('trailers', (_headers: unknown, _flags: unknown, raw: unknown) => {
      if (Array.isArray(raw)) this.trailers = trailersOf(raw as string[]);
    });
    stream.on('end', () => {
      this.hasInputEnded = true;
      if (this.held === undefined) this.finish();
    });
  }

  private onData(chunk: Buffer): void {
    this.owner.bodyArrived(chunk.length);
    if (this.listener !== undefined) {
      this.deliver(chunk);
      return;
    }
    this.swallowLeft -= chunk.length;
    if (this.swallowLeft < 0) this.owner.bodyUnwanted();
  }

  private deliver(bytes: Buffer): void {
    const { credit, listener } = this;
    let part = bytes;
    if (bytes.length > credit) {
      this.held = bytes.subarray(credit);
      part = bytes.subarray(0, credit);
    }
    this.credit = credit - part.length;
    if (this.credit <= 0 && !this.hasInputEnded) this.stream.pause();
    if (part.length === 0) return;
    try {
      listener?.data(part);
    } catch (error) {
      this.owner.listenerFailed(error);
    }
  }

  private finish(): void {
    if (this.isEnded) return;
    // RFC 9113 §8.1.1: a stream that was reset has not ended.
    if (this.stream.aborted || this.stream.rstCode !== 0) return;
    this.isEnded = true;
    const { listener } = this;
    this.owner.bodyEnded();
    try {
      listener?.end(this.trailers);
    } catch (error) {
      this.owner.listenerFailed(error);
    }
  }
}

/** The trailers that may stand behind a body; undefined when none is left. */
function trailersOf(raw: readonly string[]): FieldBlock | undefined {
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (!isForbiddenTrailer(raw[i] as string)) kept.push(raw[i] as string, raw[i + 1] as string);
  }
  return kept.length === 0 ? undefined : FieldBlock.of(kept);
}
