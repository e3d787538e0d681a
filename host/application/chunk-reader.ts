import type { Readable } from 'node:stream';
import type { Chunk, ChunkSource } from './outgoing-content.js';

/** Reads a source chunk by chunk, and can stop it while a read is waiting. */
export interface ChunkReader {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: Chunk | undefined }>;
  /** The rest is not wanted. Never throws; a failure to stop goes to `onError`. */
  stop(reason: Error, onError: (error: unknown) => void): void;
}

/** The reader that fits the source. */
export function chunkReaderOf(source: ChunkSource): ChunkReader {
  if ('getReader' in source) return webReader(source);
  const iterator = source[Symbol.asyncIterator]() as AsyncIterator<Chunk>;
  const stop = 'destroy' in source ? destroying(source) : returning(iterator);
  return { next: () => iterator.next(), stop };
}

/**
 * Chunks that a generator makes of another source. A generator that nobody has begun to read, or that waits, cannot be
 * told to clean up: `stop` is what then lets go of what is behind it. It MAY be called more than once.
 */
export function stoppable<T>(chunks: AsyncGenerator<T, void>, stop: () => void): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => chunks.next(),
      return: () => {
        stop();
        return chunks.return();
      },
    }),
  };
}

/** True for what `chunkReaderOf` accepts. */
export function isChunkSource(value: unknown): value is ChunkSource {
  return (
    typeof value === 'object' &&
    value !== null &&
    (typeof (value as { [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function' ||
      typeof (value as { getReader?: unknown }).getReader === 'function')
  );
}

function webReader(source: ReadableStream<Chunk>): ChunkReader {
  const reader = source.getReader();
  return {
    next: () => reader.read(),
    stop: (reason, onError) => {
      reader.cancel(reason).catch(onError);
    },
  };
}

/** A stream of Node is destroyed: its iterator would wait for the read that is going on. */
function destroying(source: Readable): ChunkReader['stop'] {
  return (reason, onError) => {
    source.once('error', (error) => {
      if (error !== reason) onError(error);
    });
    source.destroy(reason);
  };
}

function returning(iterator: AsyncIterator<Chunk>): ChunkReader['stop'] {
  return (_reason, onError) => {
    iterator.return?.().then(undefined, onError);
  };
}
