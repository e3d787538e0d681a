import type { Readable } from 'node:stream';
import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationSendPipeline } from '../application/call-pipelines.js';
import {
  addVary,
  contentTypeOfAnswer,
  headerOfAnswer,
  lengthOf,
  withoutHeaders,
} from '../application/content-facts.js';
import { BadRequestError, PayloadTooLargeError } from '../application/http-errors.js';
import { type AnyContent, OutgoingContent } from '../application/outgoing-content.js';
import { RequestBody } from '../application/request-body.js';
import { PorticoError } from '../errors.js';
import { parseHeaderValues } from '../http/header-value.js';
import { MediaType } from '../http/media-type.js';
import { checkNumber } from '../plugin/check-option.js';
import { createRouteScopedPlugin, type RouteScopedPlugin } from '../plugin/create-plugin.js';
import { ReceiveRequestBytes } from '../plugin/hooks.js';
import { BROTLI, type Coding, DEFLATE, GZIP, KNOWN, ZSTD } from './compression/codings.js';
import { encoded } from './compression/encoded.js';
import { isCompressionSuppressed, isDecompressionSuppressed } from './compression/suppression.js';

export { suppressCompression, suppressDecompression } from './compression/suppression.js';

type Condition = (call: ApplicationCall, content: AnyContent) => boolean;

/** Types that are small already, or must not wait. */
const EXCLUDED = ['video/*', 'audio/*', 'image/jpeg', 'image/png', 'multipart/*', 'text/event-stream'];

/** What is compressed, and how. */
export class CompressionConfig {
  /** `both` directions, or only one. Default `both`. */
  mode: 'both' | 'responses' | 'requests' = 'both';
  /** Smaller answers are sent as they are, when their length is known. Default 200. */
  minimumBytes = 200;
  /** A request with more codings on top of each other is 400. Default 2. */
  maxEncodingChainLength = 2;
  /** A request whose body gets larger is 413. Default: the limit of receiving. */
  maxDecodedBytes: number | undefined;
  readonly #encoders: {
    readonly coding: Coding;
    readonly priority: number;
    readonly conditions: Condition[];
  }[] = [];
  readonly #conditions: Condition[] = [];
  #excluded: readonly MediaType[] = EXCLUDED.map((type) => MediaType.parse(type));
  #matching: readonly MediaType[] | undefined;

  /** Offers gzip; the coding of the highest priority wins among those that the client likes equally. */
  gzip(priority = 1): void {
    this.encoder(GZIP, priority);
  }

  deflate(priority = 0.9): void {
    this.encoder(DEFLATE, priority);
  }

  brotli(priority = 1.1): void {
    this.encoder(BROTLI, priority);
  }

  /** Offers zstd where Node has it (22.15); otherwise nothing happens. */
  zstd(priority = 1.2): void {
    if (ZSTD !== undefined) this.encoder(ZSTD, priority);
  }

  /** Offers a coding of your own. `PORTICO_COMPRESSION` when there is one of this name already. */
  encoder(coding: Coding, priority: number, ...conditions: readonly Condition[]): void {
    if (this.#encoders.some((one) => one.coding.name === coding.name))
      throw new PorticoError(
        'PORTICO_COMPRESSION',
        `The coding ${coding.name} is offered twice. Offer it once, with the priority you want.`,
      );
    this.#encoders.push({ coding, priority, conditions: [...conditions] });
  }

  /** Only answers that meet all conditions are compressed. */
  condition(condition: Condition): void {
    this.#conditions.push(condition);
  }

  /** Only these types: `text/*`. */
  matchContentType(...types: readonly string[]): void {
    this.#matching = types.map((type) => MediaType.parse(type));
  }

  /** Not these types, instead of video, audio, JPEG, PNG, multipart and events. */
  excludeContentType(...types: readonly string[]): void {
    this.#excluded = types.map((type) => MediaType.parse(type));
  }

  /** The coding for an answer that is worth it; undefined to send it as it is. */
  choose(call: ApplicationCall, content: AnyContent): Coding | undefined {
    const encoders = this.#encoders.filter(({ conditions }) =>
      conditions.every((holds) => holds(call, content)),
    );
    return chooseCoding(call.request.headers.getAll('Accept-Encoding').join(','), encoders);
  }

  /** Offers what there is when nobody has said anything. */
  complete(): void {
    if (this.#encoders.length > 0) return;
    this.zstd();
    this.brotli();
    this.gzip();
    this.deflate();
  }

  /** Is this answer compressed for clients that can read it? */
  isWorthIt(call: ApplicationCall, content: AnyContent): boolean {
    const length = lengthOf(content);
    if (length !== undefined && length < this.minimumBytes) return false;
    const type = MediaType.parseOrUndefined(contentTypeOfAnswer(call, content) ?? '');
    if (type !== undefined && this.#excluded.some((pattern) => type.matches(pattern))) return false;
    if (this.#matching !== undefined && !this.#matching.some((pattern) => type?.matches(pattern) === true))
      return false;
    return this.#conditions.every((holds) => holds(call, content));
  }
}

/**
 * Plugin: compresses answers for clients that can read them so, and decodes requests. Without a choice it offers zstd
 * where Node has it, brotli, gzip and deflate.
 *
 * ```ts
 * application.install(Compression, (config) => {
 *   config.gzip();
 *   config.matchContentType('text/*', 'application/json');
 * });
 * ```
 */
export const Compression: RouteScopedPlugin<CompressionConfig, void> = createRouteScopedPlugin(
  'Compression',
  {
    createConfig: () => new CompressionConfig(),
    install(plugin) {
      const { config } = plugin;
      config.complete();
      checkNumber('Compression: minimumBytes', config.minimumBytes, 0);
      checkNumber('Compression: maxEncodingChainLength', config.maxEncodingChainLength, 0);
      if (config.maxDecodedBytes !== undefined)
        checkNumber('Compression: maxDecodedBytes', config.maxDecodedBytes, 0);
      if (config.mode !== 'requests')
        plugin.pipeline.sendPipeline.intercept(ApplicationSendPipeline.ContentEncoding, (run, subject) => {
          if (subject instanceof OutgoingContent)
            run.subject = compressed(run.call, subject as AnyContent, config);
        });
      if (config.mode !== 'responses')
        plugin.on(ReceiveRequestBytes, (call, body) =>
          isDecompressionSuppressed(call) ? undefined : decoded(call, body, config),
        );
    },
  },
);

/**
 * The coding that Accept-Encoding likes best, of equal ones that of the highest priority; undefined for none
 * (RFC 9110 §12.5.3). Refused with `q=0`; `*` stands for all that are not named.
 */
export function chooseCoding<C extends { readonly name: string }>(
  acceptEncoding: string,
  encoders: readonly { readonly coding: C; readonly priority: number }[],
): C | undefined {
  const qualities = new Map(
    parseHeaderValues(acceptEncoding).map(({ value, quality }) => [value.toLowerCase(), quality]),
  );
  const best = encoders
    .map(({ coding, priority }) => ({
      coding,
      priority,
      quality: qualities.get(coding.name) ?? qualities.get('*') ?? 0,
    }))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality || b.priority - a.priority);
  return best[0]?.coding;
}

function compressed(call: ApplicationCall, content: AnyContent, config: CompressionConfig): AnyContent {
  if (content.kind === 'none' || content.kind === 'upgrade') return content;
  if (headerOfAnswer(call, content, 'Content-Encoding') !== undefined) return content;
  if (headerOfAnswer(call, content, 'Content-Range') !== undefined) return content;
  // RFC 9111 §5.2.2.6; it binds only proxies, but whoever says it means what it says.
  if (/\bno-transform\b/i.test(headerOfAnswer(call, content, 'Cache-Control') ?? '')) return content;
  if (!config.isWorthIt(call, content)) return content;
  // RFC 9110 §12.5.5: caches must not give this answer to clients with other codings, compressed or not.
  // Also a part says it when the whole would (§15.3.7).
  addVary(call, 'Accept-Encoding', content);
  if (isCompressionSuppressed(call)) return content;
  const coding = config.choose(call, content);
  if (coding === undefined) return content;
  call.response.headers.remove('Content-Length');
  // Part of the content, not of the response: it goes when another content takes the place of this one.
  const headers = [...withoutHeaders(content.headers, ['content-length']), 'Content-Encoding', coding.name];
  const options = { status: content.status, contentType: content.contentType, headers };
  return encoded(content, coding.encoder, options) ?? content;
}

/**
 * Undoes the codings of a request, the last one first, as far as they are known. RFC 9110 §8.4.1.3: `x-gzip` is an old
 * name of gzip.
 */
function decoded(
  call: ApplicationCall,
  body: RequestBody,
  config: CompressionConfig,
): RequestBody | undefined {
  const header = call.request.headers.getAll('Content-Encoding').join(',');
  const names = header
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length > config.maxEncodingChainLength)
    throw new BadRequestError(
      `The body has ${names.length} codings; at most ${config.maxEncodingChainLength} are read.`,
    );
  const codings: Coding[] = [];
  for (let name = names.at(-1); name !== undefined; name = names.at(-1)) {
    const coding = KNOWN.find((one) => one.name === name || `x-${one.name}` === name);
    if (coding === undefined) break;
    codings.push(coding);
    names.pop();
  }
  if (codings.length === 0) return undefined;
  call.request.replaceHeader('Content-Encoding', names.length === 0 ? undefined : names.join(', '));
  call.request.replaceHeader('Content-Length', undefined);
  return RequestBody.of(decode(body, codings, config.maxDecodedBytes));
}

async function* decode(
  body: RequestBody,
  codings: readonly Coding[],
  maxBytes: number | undefined,
): AsyncGenerator<Uint8Array> {
  let stream: Readable = body.stream();
  for (const { decoder } of codings) {
    const source = stream;
    const next = decoder();
    source.on('error', (error) => next.destroy(error));
    next.on('close', () => source.destroy());
    stream = source.pipe(next);
  }
  let length = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (maxBytes !== undefined && length > maxBytes) throw new PayloadTooLargeError(maxBytes);
      yield chunk;
    }
  } catch (error) {
    throw isCodingError(error)
      ? new BadRequestError('The body cannot be decoded as Content-Encoding says.', { cause: error })
      : error;
  } finally {
    stream.destroy();
  }
}

function isCodingError(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return (
    typeof code === 'string' && (code.startsWith('Z_') || code.startsWith('ERR_') || code.startsWith('ZSTD_'))
  );
}
