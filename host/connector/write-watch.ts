import type { SocketOutput } from './socket-output.js';

/** Notices a client that does not take what is sent to it. Looked at by each sweep. */
export class WriteWatch {
  private deadline = 0;
  private lastProgress = -1;

  /** True when bytes wait and none was taken since `timeoutMs`. */
  isStuck(output: SocketOutput, now: number, timeoutMs: number): boolean {
    if (output.bufferedBytes === 0) {
      this.lastProgress = -1;
      return false;
    }
    const { progress } = output;
    if (progress === this.lastProgress) return now >= this.deadline;
    this.lastProgress = progress;
    this.deadline = now + timeoutMs;
    return false;
  }
}
