import type { ApplicationCall } from '../../application/application-call.js';
import { BadRequestError } from '../../application/http-errors.js';
import type { OutgoingContent } from '../../application/outgoing-content.js';
import type { ReceiveType } from '../../application/receive-type.js';
import type { MediaType } from '../../http/media-type.js';

/** A value that is to be sent. */
export interface SerializeContext {
  readonly call: ApplicationCall;
  readonly value: unknown;
  /** As registered. */
  readonly contentType: MediaType;
  /** What Accept-Charset asks for; `UTF-8` otherwise. */
  readonly charset: string;
}

/** A body that is to become a value. */
export interface DeserializeContext {
  readonly call: ApplicationCall;
  /** What the handler wants. */
  readonly type: ReceiveType<unknown>;
  /** As the request has it, with its parameters. */
  readonly contentType: MediaType;
  /** The whole body; MAY be asked for by each converter. */
  bytes(): Promise<Buffer>;
  /** The same by the charset of the request. */
  text(): Promise<string>;
}

/**
 * Makes bodies of values and values of bodies, for one media type. Undefined from either direction means that the next
 * converter may try. A converter MAY be used by many calls at a time.
 */
export interface ContentConverter {
  /** A text is sent in the charset and with the content type of the context; a content as it is. */
  serialize?(context: SerializeContext): Converted | Promise<Converted>;
  /** A body that is malformed: throw `ContentConvertError` (400). */
  deserialize?(context: DeserializeContext): unknown;
}

/** What a converter makes of a value. */
export type Converted = string | Uint8Array | OutgoingContent | undefined;

/** 400: a body cannot be converted. Code `PORTICO_BAD_CONTENT`. */
export class ContentConvertError extends BadRequestError {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, { ...options, code: 'PORTICO_BAD_CONTENT' });
  }
}
