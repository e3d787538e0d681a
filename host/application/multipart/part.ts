import type { FilePart } from './file-part.js';

/** Limits of a multipart form. More than any of them is `PORTICO_MULTIPART_LIMIT` (413). */
export interface MultipartOptions {
  /** Fields and files together. Default 1000. */
  readonly maxParts?: number;
  /** Bytes of one field, which is held in memory. Default 1 MiB. */
  readonly maxFieldBytes?: number;
  /** Bytes of one file. Default 50 MiB. */
  readonly maxFileBytes?: number;
  /** Header fields of one part. Default 32. */
  readonly maxHeaderPairs?: number;
}

/** A field of a multipart form. */
export interface FieldPart {
  readonly kind: 'field';
  /** May come more than once in a form. */
  readonly name: string;
  readonly value: string;
  /** As sent; most clients send none with fields. */
  readonly contentType: string | undefined;
}

/** What a multipart form consists of (RFC 7578); told apart by `kind`. */
export type Part = FieldPart | FilePart;
