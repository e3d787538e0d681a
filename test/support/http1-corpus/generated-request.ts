import fc from 'fast-check';

/** A valid request as its parts, and what an application must see of it. */
export interface GeneratedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly version: '1.0' | '1.1';
  /** Host, and end-to-end fields. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: GeneratedBody;
  /** Blanks around the values. */
  readonly blanks: readonly [before: string, behind: string];
}

export interface GeneratedBody {
  readonly kind: 'none' | 'length' | 'chunked';
  /** The body in the pieces in which it is sent; none is empty. */
  readonly chunks: readonly string[];
  /** Behind the sizes of the chunks. */
  readonly extension: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SEGMENT = "ABCxyz019-_~!$&'()*+,=:@";
const QUERY = `${SEGMENT}/?;.%[]{}|^"<>\\\``;

const textOf = (characters: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength });

/** Every byte that a field value may have inside; none at its ends is a blank. */
const VALUE = [0x09, ...range(0x20, 0x7e), ...range(0x80, 0xff)]
  .map((code) => String.fromCharCode(code))
  .join('');
const value = textOf(VALUE, 0, 20).map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''));
const field = fc.tuple(
  fc.oneof(
    fc.constantFrom('Accept', 'COOKIE', 'x-forwarded', 'User-Agent'),
    textOf(TOKEN, 1, 12).map((name) => `X-${name}`),
  ),
  value,
);
const segment = fc.oneof(
  textOf(SEGMENT, 1, 8),
  fc.constantFrom('%20', 'a%C3%A9', '%25', '...', 'a.b', 'x;y=1', '%3F'),
);
const bytes = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map((array) => Buffer.from(array).toString('latin1'));

const body: fc.Arbitrary<GeneratedBody> = fc.record({
  kind: fc.constantFrom('none', 'length', 'chunked'),
  chunks: fc.array(bytes, { maxLength: 4 }),
  extension: fc.constantFrom('', '', ';a', ';a=b', ';a="b;\\"c"', ';a;b=c'),
  trailers: fc.array(
    fc.tuple(
      textOf(TOKEN, 1, 6).map((name) => `X-${name}`),
      value,
    ),
    { maxLength: 2 },
  ),
});

/** Valid requests; HTTP/1.1 unless `versions` says otherwise. `methods`: those to choose from. */
export function generatedRequest(
  methods: readonly string[],
  versions: readonly ('1.0' | '1.1')[] = ['1.1'],
): fc.Arbitrary<GeneratedRequest> {
  return fc
    .record({
      method: fc.constantFrom(...methods),
      path: fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`),
      query: fc.option(textOf(QUERY, 0, 20), { nil: undefined }),
      version: fc.constantFrom(...versions),
      fields: fc
        .array(field, { maxLength: 5 })
        .map((fields): GeneratedRequest['fields'] => [['Host', 'a.example:8080'], ...fields]),
      body,
      blanks: fc.tuple(fc.constantFrom('', ' ', '\t', '  '), fc.constantFrom('', ' ', '\t')),
    })
    .map((request) =>
      request.version === '1.1' ? request : { ...request, body: withoutChunks(request.body) },
    );
}

/** The bytes of a request, as characters 0-255. */
export function serialised(request: GeneratedRequest): string {
  const { method, path, query, version, fields, body: content, blanks } = request;
  const lines = [
    `${method} ${path}${query === undefined ? '' : `?${query}`} HTTP/${version}`,
    ...[...fields, ...framing(content)].map(([name, text]) => `${name}:${blanks[0]}${text}${blanks[1]}`),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${bodyBytes(content)}`;
}

/** The fields as the application has to see them, framing included where it is end-to-end. */
export function seenFields({ fields, body: content }: GeneratedRequest): string[] {
  const length = framing(content).filter(([name]) => name === 'Content-Length');
  return [...fields, ...length].flat();
}

function framing({ kind, chunks }: GeneratedBody): [string, string][] {
  if (kind === 'none') return [];
  if (kind === 'length') return [['Content-Length', String(chunks.join('').length)]];
  return [['Transfer-Encoding', 'chunked']];
}

function bodyBytes({ kind, chunks, extension, trailers }: GeneratedBody): string {
  if (kind === 'none') return '';
  if (kind === 'length') return chunks.join('');
  const parts = chunks.map((chunk) => `${chunk.length.toString(16)}${extension}\r\n${chunk}\r\n`);
  const lines = trailers.map(([name, text]) => `${name}: ${text}\r\n`);
  return `${parts.join('')}0${extension}\r\n${lines.join('')}\r\n`;
}

function withoutChunks(content: GeneratedBody): GeneratedBody {
  return content.kind === 'chunked' ? { ...content, kind: 'length' } : content;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** One change of the bytes: part of them is left out, doubled, or something is put in or over. */
export type Mutation = readonly [
  kind: 'cut' | 'double' | 'insert' | 'replace',
  at: number,
  length: number,
  text: string,
];

const WORDS = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  '\0',
  ':',
  ',',
  ';',
  '"',
  '0',
  '5',
  'a',
  '%',
  '/',
  '?',
  '#',
  '\\',
  '\x7f',
  '\xe9',
  '\r\n\r\n',
  '\r\n ',
  ' :',
  'chunked',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip\r\n',
  'Connection: close\r\n',
  'Connection: x-a\r\n',
  'Host: b\r\n',
  'HTTP/1.0',
  'HTTP/1.1',
  '..',
  '//',
  'Expect: 100-continue\r\n',
  'TE: trailers\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
] as const;

export const mutation: fc.Arbitrary<Mutation> = fc.tuple(
  fc.constantFrom('cut', 'double', 'insert', 'replace'),
  fc.nat(2000),
  fc.integer({ min: 1, max: 12 }),
  fc.oneof(
    fc.constantFrom(...WORDS),
    fc.nat(255).map((code) => String.fromCharCode(code)),
  ),
);

/** The bytes with one change more. */
export function mutated(text: string, [kind, place, length, word]: Mutation): string {
  const at = place % (text.length + 1);
  const [head, part, rest] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)];
  switch (kind) {
    case 'cut':
      return head + rest;
    case 'double':
      return head + part + part + rest;
    case 'insert':
      return head + word + part + rest;
    case 'replace':
      return head + word + rest;
  }
}
