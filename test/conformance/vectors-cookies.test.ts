import { describe, expect, it } from '@jest/globals';
import { parseCookieDate } from '#host/http/cookie-date.js';
import { type CookieEncoding, decodeCookieValue, encodeCookieValue } from '#host/http/cookie-encoding.js';
import { parseCookieHeader } from '#host/http/cookie-header.js';
import { parseSetCookie, renderSetCookie, type SetCookie } from '#host/http/set-cookie.js';
import { readVectors } from '#test/support/vectors.js';

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly encoding?: string;
  readonly maxAge?: number;
  readonly expires?: string;
  readonly httpOnly?: boolean;
}
interface Vectors {
  readonly parseRequest: readonly { header: string; skipDollarNames: boolean; expect: [string, string][] }[];
  readonly valueCodec: readonly {
    encoding: string;
    value: string;
    encoded: string;
    roundTrip?: boolean;
    decodeOnly?: boolean;
  }[];
  readonly renderSetCookie: readonly {
    cookie: Cookie & { extensions?: [string, string][] };
    expect: string;
  }[];
  readonly parseSetCookie: readonly {
    header: string;
    expect: Cookie & { extensions?: Record<string, string> };
  }[];
  readonly dates: readonly { input: string; expect?: string; error?: boolean }[];
}

const vectors = readVectors<Vectors>('cookies');

const ENCODINGS: Readonly<Record<string, CookieEncoding>> = {
  URI_ENCODING: 'uri',
  DQUOTES: 'quoted',
  RAW: 'raw',
  BASE64_ENCODING: 'base64',
};
const encodingOf = (name = 'URI_ENCODING') => ENCODINGS[name] as CookieEncoding;

function cookieOf({ encoding, maxAge, expires, ...rest }: Cookie): SetCookie {
  return {
    ...rest,
    encoding: encodingOf(encoding),
    ...(maxAge === undefined ? {} : { maxAgeSeconds: maxAge }),
    ...(expires === undefined ? {} : { expires: new Date(expires) }),
  };
}

describe('cookies', () => {
  it.each(vectors.parseRequest)('Cookie: $header ($skipDollarNames)', (one) => {
    expect(parseCookieHeader(one.header, { keepsDollarNames: !one.skipDollarNames })).toEqual(one.expect);
  });

  it.each(vectors.valueCodec)('$encoding of $value', (one) => {
    const encoding = encodingOf(one.encoding);
    if (one.decodeOnly !== true) expect(encodeCookieValue(one.value, encoding)).toBe(one.encoded);
    expect(decodeCookieValue(one.encoded, encoding)).toBe(one.value);
  });

  it.each(vectors.renderSetCookie)('renders $expect', ({ cookie: { extensions, ...cookie }, ...one }) => {
    const given = { ...cookieOf(cookie), extensions: Object.fromEntries(extensions ?? []) };
    expect(renderSetCookie(given, { tellsEncoding: true })).toBe(one.expect);
  });

  it.each(vectors.parseSetCookie)('Set-Cookie: $header', ({ header, expect: { extensions, ...cookie } }) => {
    const { encoding, ...expected } = cookieOf(cookie);
    const parsed = parseSetCookie(header);
    expect(parsed).toMatchObject(expected);
    if (cookie.encoding !== undefined) expect(parsed?.encoding).toBe(encoding);
    if (extensions !== undefined) expect({ ...parsed?.extensions }).toEqual(extensions);
  });

  it.each(vectors.dates)('date $input', (one) => {
    expect(parseCookieDate(one.input)).toBe(one.expect === undefined ? undefined : Date.parse(one.expect));
  });
});
