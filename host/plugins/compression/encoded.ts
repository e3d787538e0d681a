import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { chunkReaderOf } from '../../application/chunk-reader.js';
import {
  type AnyContent,
  type Chunk,
  type ChunkSource,
  StreamContent,
  type StreamOptions,
  WriterContent,
} from '../../application/outgoing-content.js';
import type { ResponseWriter } from '../../application/response-writer.js';

/** A content whose bytes go through an encoder. Its length is not known any more. */
export function encoded(
  content: AnyContent,
  encoder: () => Transform,
  options: StreamOptions,
): StreamContent | WriterContent | undefined {
  switch (content.kind) {
    case 'text':
      return new StreamContent(through([Buffer.from(content.text)], encoder), options);
    case 'bytes':
      return new StreamContent(through([content.bytes], encoder), options);
    case 'stream':
      return new StreamContent(through(chunksOf(content.source), encoder), options);
    case 'writer':
      return new WriterContent((writer) => writeThrough(content, encoder(), writer), options);
    default:
      return undefined;
  }
}

/** Nothing is read before somebody reads from it. */
async function* through(
  chunks: Iterable<Chunk> | AsyncIterable<Chunk>,
  encoder: () => Transform,
): AsyncGenerator<Uint8Array> {
  const transform = encoder();
  const source = Readable.from(chunks, { objectMode: true });
  const done = pipeline(source, transform);
  // Seen here, or by the reader below, whichever comes first.
  done.catch(() => undefined);
  try {
    yield* transform as AsyncIterable<Uint8Array>;
    await done;
  } finally {
    source.destroy();
    transform.destroy();
  }
}

async function* chunksOf(source: ChunkSource): AsyncGenerator<Chunk> {
  const reader = chunkReaderOf(source);
  try {
    for (;;) {
      const { done, value } = await reader.next();
      if (done === true) return;
      if (value !== undefined) yield value;
    }
  } finally {
    reader.stop(new Error('The answer is not read any more.'), () => undefined);
  }
}

/** What is written goes out with the next flush, so that nothing waits in the encoder. */
async function writeThrough(
  content: WriterContent,
  transform: Transform & { flush?: (done: () => void) => void },
  out: ResponseWriter,
): Promise<void> {
  const copying = (async () => {
    for await (const chunk of transform as AsyncIterable<Uint8Array>) await out.write(chunk);
  })();
  copying.catch((error: unknown) => transform.destroy(error instanceof Error ? error : undefined));
  const inner: ResponseWriter = {
    get isAborted() {
      return out.isAborted;
    },
    write: (chunk) =>
      new Promise((resolve, reject) => {
        transform.write(chunk, (error) => {
          if (error) reject(error);
          else if (transform.flush === undefined) resolve();
          else transform.flush(resolve);
        });
      }),
  };
  try {
    await content.write(inner);
    transform.end();
    await copying;
  } finally {
    transform.destroy();
  }
}
