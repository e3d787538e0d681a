import { lowerCaseName } from '../http/lower-case.js';
import type { ApplicationCall } from './application-call.js';
import { chunkReaderOf } from './chunk-reader.js';
import type { AnyContent } from './outgoing-content.js';

/** A header of the answer as it will be sent: set on the response, or by the content. First value. */
export function headerOfAnswer(call: ApplicationCall, content: AnyContent, name: string): string | undefined {
  const own = call.responseFields === undefined ? undefined : call.response.headers.get(name);
  if (own !== undefined) return own;
  const { headers } = content;
  if (headers === undefined) return undefined;
  const lower = lowerCaseName(name);
  const index = headers.findIndex((text, i) => i % 2 === 0 && lowerCaseName(text) === lower);
  return index < 0 ? undefined : headers[index + 1];
}

/** Content type of the answer as it will be sent. */
export function contentTypeOfAnswer(call: ApplicationCall, content: AnyContent): string | undefined {
  return headerOfAnswer(call, content, 'Content-Type') ?? content.contentType;
}

/** Status of the answer as it will be sent. */
export function statusOfAnswer(call: ApplicationCall, content: AnyContent): number {
  return content.status ?? call.responseStatus ?? 200;
}

/** Bytes of a content; undefined when nobody knows them in advance. */
export function lengthOf(content: AnyContent): number | undefined {
  switch (content.kind) {
    case 'none':
      return 0;
    case 'text':
      return Buffer.byteLength(content.text);
    case 'bytes':
      return content.bytes.length;
    case 'stream':
    case 'writer':
      return content.length;
    case 'upgrade':
      return undefined;
  }
}

/** Headers of a content without those of these lower-case names. */
export function withoutHeaders(
  headers: readonly string[] | undefined,
  lowerNames: readonly string[],
): readonly string[] {
  return (headers ?? []).filter((_, i, flat) => {
    const name = flat[i - (i % 2)] ?? '';
    return !lowerNames.includes(name.toLowerCase());
  });
}

/** A content that another one takes the place of: what it would have read is let go. */
export function discardContent(call: ApplicationCall, content: AnyContent): void {
  if (content.kind !== 'stream') return;
  chunkReaderOf(content.source).stop(new Error('Another content is sent instead.'), (error) =>
    call.application.log.debug('Stopping the source of a response that is not sent failed.', error),
  );
}
