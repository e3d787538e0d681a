import type { Duplex, Readable } from 'node:stream';
import { kindOf, PorticoError } from '../errors.js';
import { isChunkSource } from './chunk-reader.js';
import { checkHeader, checkHeaderValue } from './header-check.js';
import type { ResponseWriter } from './response-writer.js';

/** `Content-Type` of texts when nothing else is said. */
export const TEXT_PLAIN = 'text/plain; charset=UTF-8';
/** `Content-Type` of HTML pages. */
export const TEXT_HTML = 'text/html; charset=UTF-8';
/** RFC 8259 §11: no charset parameter. */
export const APPLICATION_JSON = 'application/json';
/** `Content-Type` of bytes of which nothing is known. */
export const OCTET_STREAM = 'application/octet-stream';

/** What is known about a content besides its bytes. */
export interface ContentOptions {
  /** Wins over `response.status`. */
  readonly status?: number | undefined;
  /** Used when the response has no Content-Type of its own. */
  readonly contentType?: string | undefined;
  /** `name, value, name, value, …`; sent behind those of the response. */
  readonly headers?: readonly string[] | undefined;
}

/**
 * What the send pipeline ends with: a body and what describes it. Interceptors MAY replace one content by another.
 * Every kind is a class below; `kind` tells them apart.
 */
export abstract class OutgoingContent {
  abstract readonly kind: 'none' | 'text' | 'bytes' | 'stream' | 'writer' | 'upgrade';
  readonly status: number | undefined;
  readonly contentType: string | undefined;
  readonly headers: readonly string[] | undefined;

  /** Headers and content type are checked: `PORTICO_INVALID_HEADER`, `PORTICO_UNSAFE_HEADER`. */
  constructor(status?: number, contentType?: string, headers?: readonly string[]) {
    this.status = status;
    this.contentType = contentType;
    this.headers = headers;
    if (contentType !== undefined && contentType !== TEXT_PLAIN && contentType !== APPLICATION_JSON)
      checkHeaderValue('Content-Type', contentType);
    if (headers !== undefined)
      for (let i = 0; i + 1 < headers.length; i += 2)
        checkHeader(headers[i] as string, headers[i + 1] as string);
  }
}

/** No body. */
export class NoContent extends OutgoingContent {
  readonly kind = 'none';

  constructor(options: ContentOptions = {}) {
    super(options.status, options.contentType, options.headers);
  }
}

/** A text, sent as UTF-8. What is none: `PORTICO_INVALID_CONTENT`. */
export class TextContent extends OutgoingContent {
  readonly kind = 'text';
  readonly text: string;

  constructor(text: string, contentType: string = TEXT_PLAIN, status?: number, headers?: readonly string[]) {
    super(status, contentType, headers);
    if (typeof text !== 'string')
      throw invalidContent('a text', text, 'Use String(), or respond() for JSON.');
    this.text = text;
  }
}

/** Bytes in memory. They belong to the response from here on. What are none: `PORTICO_INVALID_CONTENT`. */
export class BytesContent extends OutgoingContent {
  readonly kind = 'bytes';
  readonly bytes: Uint8Array;

  constructor(
    bytes: Uint8Array,
    contentType: string = OCTET_STREAM,
    status?: number,
    headers?: readonly string[],
  ) {
    super(status, contentType, headers);
    if (!(bytes instanceof Uint8Array)) throw invalidContent('bytes', bytes, 'Use a Buffer or a Uint8Array.');
    this.bytes = bytes;
  }
}

/** A chunk of a body; texts are sent as UTF-8. */
export type Chunk = Uint8Array | string;
/** Whatever gives chunks: a Node stream, an async generator, a web stream. */
export type ChunkSource = Readable | AsyncIterable<Chunk> | ReadableStream<Chunk>;

/** Options of contents whose length is not seen from the content itself. */
export interface StreamOptions extends ContentOptions {
  /** Bytes of the whole body. Unknown: the body is framed by chunks. Fewer or more bytes are an error. */
  readonly length?: number | undefined;
}

/** Gives the bytes from `first` to `last`, both included. */
export type SliceSource = (first: number, last: number) => ChunkSource;

/**
 * Bytes that are read while they are sent, no faster than the client takes them; stopped when the client goes. `slice`
 * reads a part without reading what is before it, for requests for ranges.
 */
export class StreamContent extends OutgoingContent {
  readonly kind = 'stream';
  readonly source: ChunkSource;
  readonly length: number | undefined;
  readonly slice: SliceSource | undefined;

  constructor(source: ChunkSource, options: StreamOptions & { readonly slice?: SliceSource } = {}) {
    super(options.status, options.contentType ?? OCTET_STREAM, options.headers);
    if (!isChunkSource(source))
      throw invalidContent('a stream', source, 'Use a stream or an async iterable of bytes or texts.');
    this.source = source;
    this.length = options.length;
    this.slice = options.slice;
  }
}

/** A function that writes the body. The response ends when it returns or its promise resolves. */
export class WriterContent extends OutgoingContent {
  readonly kind = 'writer';
  readonly write: (writer: ResponseWriter) => void | Promise<void>;
  readonly length: number | undefined;

  constructor(write: (writer: ResponseWriter) => void | Promise<void>, options: StreamOptions = {}) {
    super(options.status, options.contentType ?? OCTET_STREAM, options.headers);
    if (typeof write !== 'function')
      throw invalidContent('a function', write, 'Give the function that writes the body.');
    this.write = write;
    this.length = options.length;
  }
}

/**
 * Hands the connection over to another protocol: status 101 (RFC 9110 §7.8), then raw bytes both ways. The only content
 * that sends `Upgrade` and `Connection: Upgrade`. An answer for requests that ask for this protocol only, which is the
 * producer's duty to check; a request that asks for none is 400. The call lasts until the tunnel is closed.
 */
export class UpgradeContent extends OutgoingContent {
  readonly kind = 'upgrade';
  /** Sent as `Upgrade`: `websocket`. */
  readonly protocol: string;
  /**
   * Gets the connection once 101 was sent. Its end and its error belong to the function; what it throws is logged and
   * cuts the connection.
   */
  readonly open: (tunnel: Duplex) => void | Promise<void>;

  constructor(protocol: string, open: (tunnel: Duplex) => void | Promise<void>, headers?: readonly string[]) {
    super(101, undefined, headers);
    checkHeaderValue('Upgrade', protocol);
    this.protocol = protocol;
    this.open = open;
  }
}

/** All kinds, to be told apart by `kind`. */
export type AnyContent =
  | NoContent
  | TextContent
  | BytesContent
  | StreamContent
  | WriterContent
  | UpgradeContent;

/** Programs in JavaScript give whatever they have; found here, the handler that did it is on the stack. */
function invalidContent(wanted: string, value: unknown, advice: string): PorticoError {
  return new PorticoError(
    'PORTICO_INVALID_CONTENT',
    `The content of an answer must be ${wanted}, and is ${kindOf(value)}. ${advice}`,
  );
}
