/** What to send besides method and path. At most one of `body`, `json`, `form` and `multipart`. */
export interface TestRequestOptions {
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Texts are sent as UTF-8. An iterable is sent without a known length, no faster than the application reads. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Sent as JSON, with its content type. */
  readonly json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>>;
  /** Sent as `multipart/form-data`; files are `File` or `Blob` entries. */
  readonly multipart?: FormData;
  /** Aborting it is the client going away. */
  readonly signal?: AbortSignal;
}

/** A body ready to be sent. */
export interface EncodedBody {
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Sent when the request names no Content-Type itself. */
  readonly contentType: string | undefined;
}

/** Encodes all bodies but multipart, which takes a turn; see `encodeMultipart`. */
export function encodeBody({ body, json, form }: TestRequestOptions): EncodedBody {
  if (json !== undefined) return { body: Buffer.from(JSON.stringify(json)), contentType: 'application/json' };
  if (form !== undefined)
    return {
      body: Buffer.from(new URLSearchParams({ ...form }).toString()),
      contentType: 'application/x-www-form-urlencoded',
    };
  return { body: typeof body === 'string' ? Buffer.from(body) : body, contentType: undefined };
}

/** Encodes a form with files (RFC 7578). */
export async function encodeMultipart(form: FormData): Promise<EncodedBody> {
  const encoded = new Response(form);
  return {
    body: Buffer.from(await encoded.arrayBuffer()),
    contentType: encoded.headers.get('content-type') ?? 'multipart/form-data',
  };
}

/** Header lines, flat; those in `options` replace defaults of the same name. */
export function headerLines(
  options: TestRequestOptions,
  defaults: TestRequestOptions['headers'] = {},
): string[] {
  const own = options.headers ?? {};
  const names = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const lines: string[] = [];
  for (const [name, value] of [
    ...Object.entries(defaults).filter(([name]) => !names.has(name.toLowerCase())),
    ...Object.entries(own),
  ])
    for (const one of typeof value === 'string' ? [value] : value) lines.push(name, one);
  return lines;
}
