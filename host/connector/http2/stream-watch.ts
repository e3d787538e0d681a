import type { ConnectorLimits } from '../../config/connector-limits.js';
import { Pace, RateWatch } from '../rate-watch.js';
import type { RefusalReason } from '../refusal.js';

/** What is to be known of a stream to judge its client. */
export interface WatchedStream {
  readonly isTunnel: boolean;
  readonly isBegun: boolean;
  /** It is the client's turn to send the request body. */
  readonly isBodyAwaited: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Bytes that wait for the client, and those it has let through. */
  readonly waitingBytes: number;
  readonly sentBytes: number;
}

/** Notices a client that is too slow on one stream, in either direction, by the limits of HTTP/1.1. */
export class StreamWatch {
  private body: RateWatch | undefined;
  private output: RateWatch | undefined;
  private deadline = Number.POSITIVE_INFINITY;
  private pauseMs = 0;
  private movedBytes = 0;

  /** The stream is over when nothing moves on it for `pauseMs`, from now on. Without a call it may take any time. */
  expectEnd(stream: WatchedStream, now: number, pauseMs: number): void {
    this.pauseMs = pauseMs;
    this.deadline = now + pauseMs;
    this.movedBytes = stream.bytesIn + stream.bytesOut;
  }

  /** True when the end that was expected has not come, and nothing has moved. */
  isOver(stream: WatchedStream, now: number): boolean {
    if (now < this.deadline) return false;
    if (stream.bytesIn + stream.bytesOut === this.movedBytes) return true;
    this.expectEnd(stream, now, this.pauseMs);
    return false;
  }

  /** Why the client is too slow to take what is sent; undefined when it is not. */
  slowReader(stream: WatchedStream, now: number, limits: ConnectorLimits): RefusalReason | undefined {
    if (stream.waitingBytes === 0) {
      this.output?.rest();
      return undefined;
    }
    this.output ??= new RateWatch();
    // In a tunnel only its owners know how fast a client has to be.
    const rate = stream.isTunnel ? 0 : limits.minReadBytesPerSecond;
    const pace = this.output.look(stream.sentBytes, now, limits.bodyIdleTimeoutMs, rate);
    if (pace === Pace.FAST_ENOUGH) return undefined;
    return pace === Pace.STOPPED ? 'write-timeout' : 'slow-reader';
  }

  /** Why the body comes too slowly; undefined when it does not. When the answer has begun, both sides talk. */
  slowBody(stream: WatchedStream, now: number, limits: ConnectorLimits): RefusalReason | undefined {
    if (!stream.isBodyAwaited) {
      this.body?.rest();
      return undefined;
    }
    this.body ??= new RateWatch();
    const rate = stream.isBegun ? 0 : limits.minBodyBytesPerSecond;
    const pace = this.body.look(stream.bytesIn, now, limits.bodyIdleTimeoutMs, rate);
    if (pace === Pace.FAST_ENOUGH) return undefined;
    return pace === Pace.STOPPED ? 'body-timeout' : 'slow-body';
  }
}
