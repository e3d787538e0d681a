import type { Transform } from 'node:stream';
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
import { messageOf } from '../../errors.js';

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

/** Some encoders keep what is small, until they are told to give it. */
type Encoder = Transform & { readonly flush?: (done?: () => void) => void };

/** What has come goes out when its source gives nothing else for so long: readers of a live stream see it then. */
const IDLE_MS = 20;

/** Nothing is read before somebody reads from it. Stopping it stops source and encoder, whatever they wait for. */
function through(source: ChunkSource, encoder: () => Transform): AsyncIterable<Uint8Array> {
  const reader = chunkReaderOf(source);
  let transform: Encoder | undefined;
  async function* chunks(): AsyncGenerator<Uint8Array, void> {
    transform = encoder();
    const done = feed(reader, transform);
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

/** No faster than the encoder takes it. */
async function feed(reader: ChunkReader, encoder: Encoder): Promise<void> {
  try {
    for (;;) {
      const idle = setTimeout(() => encoder.flush?.(), IDLE_MS);
      const { done, value } = await reader.next().finally(() => clearTimeout(idle));
      if (done === true) break;
      if (value !== undefined) await write(encoder, value);
    }
    encoder.end();
  } catch (error) {
    encoder.destroy(error instanceof Error ? error : new Error(messageOf(error)));
    throw error;
  }
}

/** Resolves when the encoder has taken it. */
function write(encoder: Encoder, chunk: Chunk): Promise<void> {
  return new Promise((resolve, reject) => {
    encoder.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

async function* once(chunk: Chunk): AsyncGenerator<Chunk> {
  yield chunk;
}

/** What is written goes out with the next flush, so that nothing waits in the encoder. */
async function writeThrough(content: WriterContent, encoder: Encoder, out: ResponseWriter): Promise<void> {
  const copying = (async () => {
    for await (const chunk of encoder as AsyncIterable<Uint8Array>) await out.write(chunk);
  })();
  copying.catch((error: unknown) => encoder.destroy(error instanceof Error ? error : undefined));
  const inner: ResponseWriter = {
    get isAborted() {
      return out.isAborted;
    },
    write: async (chunk) => {
      await write(encoder, chunk);
      await new Promise<void>((resolve) => {
        if (encoder.flush === undefined) resolve();
        else encoder.flush(resolve);
      });
    },
  };
  try {
    await content.write(inner);
    encoder.end();
    await copying;
  } finally {
    encoder.destroy();
  }
}
