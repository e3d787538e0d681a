import type { Readable } from 'node:stream';
import { BadRequestError, MultipartLimitError, UnsupportedMediaTypeError } from '../http-errors.js';
import { Parameters } from '../parameters.js';
import { requestMediaType } from '../request-media-type.js';
import type { MultipartOptions, Part } from './part.js';
import type { PartReader } from './part-reader.js';

/** Type of the bodies that are read here. */
export const MULTIPART_FORM = 'multipart/form-data';

/**
 * A multipart form, to be iterated once. Parts come while they are read. Each file must be read, or left, before the
 * next part: what is left is dropped. Leaving the loop drops the rest of the form.
 */
export class Multipart implements AsyncIterable<Part> {
  readonly #open: () => Promise<PartReader>;

  /** For `call.receiveMultipart`. */
  constructor(
    receive: () => Promise<Readable>,
    contentType: string | undefined,
    options: MultipartOptions = {},
  ) {
    this.#open = async () => {
      const boundary = boundaryOf(contentType);
      // Loaded here: most applications never receive a form with files.
      const { PartReader } = await import('./part-reader.js');
      return new PartReader(await receive(), boundary, options);
    };
  }

  /** A second time: `PORTICO_BODY_CONSUMED`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Part, void, undefined> {
    const reader = await this.#open();
    try {
      for (let part = await reader.next(); part !== undefined; part = await reader.next()) yield part;
    } finally {
      reader.cancel();
    }
  }
}

/** The fields of a multipart form; files are dropped. More than `maxBytes` of values: `PORTICO_MULTIPART_LIMIT` (413). */
export async function readFields(
  receive: () => Promise<Readable>,
  contentType: string | undefined,
  maxBytes: number,
): Promise<Parameters> {
  const values = new Map<string, string[]>();
  let left = maxBytes;
  const form = new Multipart(receive, contentType, { maxFieldBytes: maxBytes });
  for await (const part of form) {
    if (part.kind === 'file') continue;
    left -= Buffer.byteLength(part.value);
    if (left < 0) throw new MultipartLimitError(`fields of more than ${maxBytes} bytes`);
    const list = values.get(part.name);
    if (list === undefined) values.set(part.name, [part.value]);
    else list.push(part.value);
  }
  return new Parameters(values);
}

function boundaryOf(contentType: string | undefined): string {
  const type = requestMediaType(contentType);
  if (type?.essence !== MULTIPART_FORM)
    throw new UnsupportedMediaTypeError(
      `Content-Type is ${contentType ?? 'missing'}, but ${MULTIPART_FORM} is needed.`,
    );
  const boundary = type.parameter('boundary');
  // RFC 2046 §5.1.1: 1 to 70 characters.
  if (boundary === undefined || boundary === '' || boundary.length > 70)
    throw new BadRequestError('Content-Type has no boundary of 1 to 70 characters.', {
      code: 'PORTICO_BAD_MULTIPART',
    });
  return boundary;
}
