import { Readable } from 'node:stream';

/**
 * The bytes of one file on their way from the parser to whoever reads them, no faster than that. Destroying it drops
 * the rest of the file, so that the parts behind it can be read.
 */
export class FileStream extends Readable {
  readonly #source: Readable;

  /** `onBytes` hears of each chunk with the bytes so far, before it is passed on; false drops it and the rest. */
  constructor(source: Readable, onBytes: (bytesSoFar: number) => boolean) {
    super();
    this.#source = source;
    let length = 0;
    source.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (this.destroyed || !onBytes(length)) return;
      if (!this.push(chunk)) source.pause();
    });
    source.on('end', () => this.push(null));
    source.pause();
    // Whoever reads hears of the error, also later; without a reader the error of a client must not end the process.
    this.on('error', () => undefined);
  }

  /** True when somebody has begun to read. */
  get isRead(): boolean {
    return this.readableFlowing !== null || this.readableDidRead || this.listenerCount('readable') > 0;
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source.resume();
    done(error);
  }
}
