import { randomUUID } from 'node:crypto';
import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationSendPipeline } from '../application/call-pipelines.js';
import {
  contentTypeOfAnswer,
  discardContent,
  forgetCaching,
  headerOfAnswer,
  lengthOf,
  statusOfAnswer,
  withoutHeaders,
} from '../application/content-facts.js';
import {
  type AnyContent,
  type Chunk,
  NoContent,
  OCTET_STREAM,
  OutgoingContent,
  StreamContent,
} from '../application/outgoing-content.js';
import {
  type ByteRange,
  contentRange,
  mergeRanges,
  parseRanges,
  type RangeSpec,
  resolveRanges,
  spanOf,
} from '../http/byte-range.js';
import { isSameStrong, parseEntityTag } from '../http/entity-tag.js';
import { parseHttpDate } from '../http/http-date.js';
import { PipelinePhase } from '../pipeline/pipeline-phase.js';
import { checkNumber } from '../plugin/check-option.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';
import { suppressCompression } from './compression/suppression.js';
import { sliced } from './partial-content/sliced.js';

/** Options of `PartialContent`. */
export interface PartialContentConfig {
  /** More ranges than these are answered by one that spans them all. Default 10. */
  maxRangeCount: number;
}

/** Behind the encoding of contents: ranges are of what is sent. */
const PartialContentPhase = new PipelinePhase('PartialContent');

/**
 * Plugin: answers requests for parts of a content with 206 (RFC 9110 §14). For GET, and for contents whose length is
 * known. Several parts are sent as `multipart/byteranges`, or as one when they are many or out of order.
 *
 * ```ts
 * application.install(PartialContent);
 * ```
 */
export const PartialContent: RouteScopedPlugin<PartialContentConfig, void> = createRouteScopedPlugin(
  'PartialContent',
  {
    createConfig: (): PartialContentConfig => ({ maxRangeCount: 10 }),
    install(plugin) {
      const { maxRangeCount } = plugin.config;
      checkNumber('PartialContent: maxRangeCount', maxRangeCount, 1);
      plugin.onCall((call) => {
        // What is sent must not change its length on the way.
        if (rangesOf(call) !== undefined) suppressCompression(call);
      });
      const { sendPipeline } = plugin.pipeline;
      sendPipeline.insertPhaseAfter(ApplicationSendPipeline.ContentEncoding, PartialContentPhase);
      sendPipeline.intercept(PartialContentPhase, (run, subject) => {
        const { call } = run;
        const content = subject as AnyContent;
        const length = subject instanceof OutgoingContent ? lengthOf(content) : undefined;
        if (length === undefined || content.kind === 'none' || statusOfAnswer(call, content) !== 200) return;
        if (!isReading(call)) return;
        if (headerOfAnswer(call, content, 'Accept-Ranges') === undefined)
          call.response.headers.append('Accept-Ranges', 'bytes');
        const ranges = rangesOf(call);
        if (ranges === undefined || !isUnchanged(call, content)) return;
        const part = partOf(call, content, length, ranges, maxRangeCount);
        if (part === undefined) return;
        // A part of a stream that cannot be read from a place is cut out of it.
        if (content.kind === 'stream' && (content.slice !== undefined || part.kind === 'none'))
          discardContent(call, content);
        // RFC 9110 §8.6: it was that of the whole.
        call.response.headers.remove('Content-Length');
        run.subject = part;
      });
    },
  },
);

function isReading({ request: { method } }: ApplicationCall): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** RFC 9110 §14.2: a range counts with GET only. */
function rangesOf({ request }: ApplicationCall): readonly RangeSpec[] | undefined {
  const header = request.method === 'GET' ? request.header('Range') : undefined;
  return header === undefined ? undefined : parseRanges(header);
}

/** RFC 9110 §13.1.5: with another version than the client knows, the whole is sent. */
function isUnchanged(call: ApplicationCall, content: AnyContent): boolean {
  const condition = call.request.header('If-Range');
  if (condition === undefined || condition === '') return true;
  if (/^(?:W\/)?"/.test(condition)) {
    const tag = headerOfAnswer(call, content, 'ETag');
    return tag !== undefined && isSameStrong(parseEntityTag(condition), parseEntityTag(tag));
  }
  const knownMs = parseHttpDate(condition);
  const lastModifiedMs = parseHttpDate(headerOfAnswer(call, content, 'Last-Modified') ?? '');
  return knownMs !== undefined && lastModifiedMs !== undefined && lastModifiedMs <= knownMs;
}

function partOf(
  call: ApplicationCall,
  content: AnyContent,
  length: number,
  specs: readonly RangeSpec[],
  maxRangeCount: number,
): OutgoingContent | undefined {
  const ranges = mergeRanges(resolveRanges(specs, length));
  if (ranges.length === 0) {
    forgetCaching(call);
    const kept = withoutHeaders(content.headers, ['content-length', 'cache-control', 'expires']);
    return new NoContent({
      status: 416,
      headers: [...kept, 'Content-Range', contentRange(undefined, length)],
    });
  }
  const headers = withoutHeaders(content.headers, ['content-length']);
  const contentType = contentTypeOfAnswer(call, content) ?? OCTET_STREAM;
  const isMany = ranges.length > maxRangeCount || !isAscending(ranges);
  const [only] = isMany ? [spanOf(ranges)] : ranges;
  if (isMany || ranges.length === 1) {
    const range = only as ByteRange;
    return sliced(content, range, {
      status: 206,
      contentType,
      headers: [...headers, 'Content-Range', contentRange(range, length)],
    });
  }
  return multipart(call, content, ranges, length, contentType, headers);
}

function isAscending(ranges: readonly ByteRange[]): boolean {
  return ranges.every(([first], i) => i === 0 || first > (ranges[i - 1] as ByteRange)[1]);
}

/** RFC 9110 §14.6: several parts. A stream can be read only once, so it must be able to give each part. */
function multipart(
  call: ApplicationCall,
  content: AnyContent,
  ranges: readonly ByteRange[],
  length: number,
  contentType: string,
  headers: readonly string[],
): OutgoingContent | undefined {
  if (content.kind === 'writer' || (content.kind === 'stream' && content.slice === undefined))
    return undefined;
  const boundary = `portico-${randomUUID()}`;
  const head = (range: ByteRange): string =>
    `\r\n--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Range: ${contentRange(range, length)}\r\n\r\n`;
  const end = `\r\n--${boundary}--\r\n`;
  const total = ranges.reduce(
    (sum, range) => sum + Buffer.byteLength(head(range)) + range[1] - range[0] + 1,
    Buffer.byteLength(end),
  );
  call.response.headers.remove('Content-Type');
  return new StreamContent(parts(content, ranges, head, end), {
    status: 206,
    contentType: `multipart/byteranges; boundary=${boundary}`,
    headers,
    length: total,
  });
}

async function* parts(
  content: AnyContent,
  ranges: readonly ByteRange[],
  head: (range: ByteRange) => string,
  end: string,
): AsyncGenerator<Chunk> {
  for (const range of ranges) {
    yield head(range);
    const part = sliced(content, range, {});
    if (part?.kind === 'bytes') yield part.bytes;
    else if (part?.kind === 'stream') yield* part.source as AsyncIterable<Chunk>;
  }
  yield end;
}
