import { CONNECTION_FIELDS } from './header-check.js';
import { type AnyContent, BytesContent, NoContent, StreamContent } from './outgoing-content.js';

/**
 * The content of an object that the platform has made for sending: a `Response` of fetch, a `Blob` or `File`, an
 * `ArrayBuffer`; JSON would make `{}` of them. An error is no answer but a failure, and is thrown. Undefined for all
 * other objects.
 */
export function nativeContent(value: object): AnyContent | undefined {
  if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) return undefined;
  if (value instanceof Error) throw value;
  switch (Object.prototype.toString.call(value)) {
    case '[object Response]':
      return responseContent(value as Response);
    case '[object Blob]':
    case '[object File]':
      return blobContent(value as Blob);
    case '[object ArrayBuffer]':
      return new BytesContent(new Uint8Array(value as ArrayBuffer));
    default:
      return undefined;
  }
}

function responseContent(response: Response): AnyContent {
  const { status, body } = response;
  // fetch has taken the coding off, so coding and length are those of other bytes.
  const isDecoded = response.url !== '' && response.headers.has('content-encoding');
  const headers: string[] = [];
  let length: number | undefined;
  for (const [name, value] of response.headers) {
    if (name === 'content-type' || CONNECTION_FIELDS.has(name)) continue;
    if (isDecoded && (name === 'content-encoding' || name === 'content-length')) continue;
    if (name === 'content-length') length = Number(value);
    else headers.push(name, value);
  }
  const options = { status, contentType: response.headers.get('content-type') ?? undefined, headers };
  return body === null ? new NoContent(options) : new StreamContent(body, { ...options, length });
}

function blobContent(blob: Blob): AnyContent {
  return new StreamContent(blob.stream(), {
    contentType: blob.type === '' ? undefined : blob.type,
    length: blob.size,
    slice: (first, last) => blob.slice(first, last + 1).stream(),
  });
}
