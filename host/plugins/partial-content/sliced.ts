import { chunkReaderOf, stoppable } from '../../application/chunk-reader.js';
import {
  type AnyContent,
  BytesContent,
  type Chunk,
  type ContentOptions,
  StreamContent,
} from '../../application/outgoing-content.js';
import type { ByteRange } from '../../http/byte-range.js';

/** A part of a content as a content of its own. Contents in memory are cut; streams that can are read from there. */
export function sliced(
  content: AnyContent,
  range: ByteRange,
  options: ContentOptions,
): BytesContent | StreamContent | undefined {
  const [first, last] = range;
  if (content.kind === 'text' || content.kind === 'bytes') {
    const bytes = content.kind === 'text' ? Buffer.from(content.text) : content.bytes;
    return new BytesContent(
      bytes.subarray(first, last + 1),
      options.contentType,
      options.status,
      options.headers,
    );
  }
  if (content.kind !== 'stream') return undefined;
  const source = content.slice?.(first, last) ?? cut(content, range);
  return new StreamContent(source, { ...options, length: last - first + 1 });
}

/** Reads a stream from its begin and leaves away what is not wanted. */
function cut({ source }: StreamContent, [first, last]: ByteRange): AsyncIterable<Chunk> {
  const reader = chunkReaderOf(source);
  const stop = (): void => reader.stop(new Error('The rest of the content is not wanted.'), () => undefined);
  async function* chunks(): AsyncGenerator<Chunk, void> {
    for (let at = 0; at <= last; ) {
      const { done, value } = await reader.next();
      if (done === true) return;
      if (value === undefined) continue;
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      const part = bytes.subarray(Math.max(0, first - at), Math.max(0, last + 1 - at));
      at += bytes.length;
      if (part.length > 0) yield part;
    }
    stop();
  }
  return stoppable(chunks(), stop);
}
