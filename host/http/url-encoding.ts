/**
 * Percent-encoding of the parts of a URL (RFC 3986 §2.1), as UTF-8. A `%` in the text is always encoded: give what is
 * meant, not what is encoded already.
 */

/** A path: slashes stay, and what a segment may have (RFC 3986 §3.3). */
export function encodePath(path: string): string {
  return encode(path, NOT_PATH);
}

/** One segment of a path: a slash is encoded. */
export function encodePathSegment(segment: string): string {
  return encode(segment, NOT_SEGMENT);
}

/** A query as a whole: `&`, `=`, `+` and the like stay. With `full` everything but letters and digits is encoded. */
export function encodeQuery(query: string, options?: { readonly full?: boolean }): string {
  return encode(query, options?.full === true ? NOT_ALPHANUMERIC : NOT_QUERY);
}

/** A name or value in a query or form; with `spaceToPlus` a space becomes `+`, as in forms. */
export function encodeParameter(text: string, options?: { readonly spaceToPlus?: boolean }): string {
  const encoded = encode(text, NOT_UNRESERVED);
  return options?.spaceToPlus === true ? encoded.replaceAll('%20', '+') : encoded;
}

/** Names with their values as the body of a form or as a query: `a=b&a=c`. A name without values stays alone. */
export function formUrlEncode(entries: Iterable<readonly [name: string, values: readonly string[]]>): string {
  const pairs: string[] = [];
  for (const [name, values] of entries) {
    const encoded = encodeParameter(name, { spaceToPlus: true });
    if (values.length === 0) pairs.push(encoded);
    for (const value of values) pairs.push(`${encoded}=${encodeParameter(value, { spaceToPlus: true })}`);
  }
  return pairs.join('&');
}

const NOT_ALPHANUMERIC = /[^A-Za-z0-9]+/g;
const NOT_UNRESERVED = /[^A-Za-z0-9\-._~]+/g;
const NOT_SEGMENT = /[^A-Za-z0-9\-._~!$&'()*+,;=:@]+/g;
const NOT_PATH = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/]+/g;
const NOT_QUERY = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/?#[\]]+/g;

function encode(text: string, forbidden: RegExp): string {
  return text.replace(forbidden, (run) => {
    let encoded = '';
    for (const byte of Buffer.from(run, 'utf8'))
      encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    return encoded;
  });
}
