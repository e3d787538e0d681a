import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ChunkReader, chunkReaderOf, stoppable } from '../../application/chunk-reader.js';
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
      return new StreamContent(through(once(content.text), encoder), options);
    case 'bytes':
      return new StreamContent(through(once(content.bytes), encoder), options);
    case 'stream':
      return new StreamContent(through(content.source, encoder), options);
    case 'writer':
      return new WriterContent((writer) => writeThrough(content, encoder(), writer), options);
    default:
      return undefined;
  }
}

/** Nothing is read before somebody reads from it. Stopping it stops source and encoder, whatever they wait for. */
function through(source: ChunkSource, encoder: () => Transform): AsyncIterable<Uint8Array> {
  const reader = chunkReaderOf(source);
  let transform: Transform | undefined;
  async function* chunks(): AsyncGenerator<Uint8Array, void> {
    transform = encoder();
    const done = pipeline(Readable.from(chunksOf(reader)), transform);
    // Seen here, or by the reader below, whichever comes first.
    done.catch(() => undefined);
    yield* transform as AsyncIterable<Uint8Array>;
    await done;
  }
  return stoppable(chunks(), () => {
    reader.stop(new Error('The answer is not read any more.'), () => undefined);
    transform?.destroy();
  });
}

async function* chunksOf(reader: ChunkReader): AsyncGenerator<Chunk> {
  for (;;) {
    const { done, value } = await reader.next();
    if (done === true) return;
    if (value !== undefined) yield value;
  }
}

async function* once(chunk: Chunk): AsyncGenerator<Chunk> {
  yield chunk;
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
