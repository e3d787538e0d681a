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

/** Adds a name to `Vary`, once (RFC 9110 §12.5.5). `content` is the one that is about to be sent, if it is known. */
export function addVary(call: ApplicationCall, name: string, content?: AnyContent): void {
  const { headers } = call.response;
  if (!headers.has('Vary') && content?.headers === undefined) {
    headers.append('Vary', name);
    return;
  }
  const lines = [...headers.getAll('Vary')];
  const ofContent = content === undefined ? undefined : headerOfAnswer(call, content, 'Vary');
  if (ofContent !== undefined) lines.push(ofContent);
  const names = lines.flatMap((line) => line.split(',')).map((text) => text.trim().toLowerCase());
  if (!names.includes('*') && !names.includes(name.toLowerCase())) headers.append('Vary', name);
}

/** Headers that tell about one content and are wrong with any other. */
const OF_CONTENT = [
  'accept-ranges',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
];

/** Another content will be sent than was prepared: removes from the response what told about that one. */
export function forgetContent(call: ApplicationCall): void {
  if (call.responseFields === undefined) return;
  for (const name of OF_CONTENT) call.response.headers.remove(name);
}

/** An error is answered: as `forgetContent`, and the error is not kept as long as the content might have been. */
export function forgetFailedAnswer(call: ApplicationCall): void {
  forgetContent(call);
  forgetCaching(call);
}

/** Removes from the response how long the content might have been kept; what forbids keeping stays. */
export function forgetCaching(call: ApplicationCall): void {
  if (call.responseFields === undefined) return;
  const { headers } = call.response;
  headers.remove('Expires');
  if (!headers.getAll('Cache-Control').some((text) => /no-store|no-cache|private/i.test(text)))
    headers.remove('Cache-Control');
}

/**
 * Headers of a content for an answer of the same status with another body: without those that tell about this one.
 * Content-Range stays: with 416 it tells the length of the whole (RFC 9110 §15.5.17).
 */
export function headersForOtherContent({ headers }: AnyContent): readonly string[] {
  return withoutHeaders(
    headers,
    OF_CONTENT.filter((name) => name !== 'content-range'),
  );
}

/** A content that another one takes the place of: what it would have read is let go. */
export function discardContent(call: ApplicationCall, content: AnyContent): void {
  if (content.kind !== 'stream') return;
  chunkReaderOf(content.source).stop(new Error('Another content is sent instead.'), (error) =>
    call.application.log.debug('Stopping the source of a response that is not sent failed.', error),
  );
}
