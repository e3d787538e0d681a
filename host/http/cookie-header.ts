import { unquoteCookieValue } from './cookie-encoding.js';

/**
 * Reads the field Cookie (RFC 6265 §4.2.1), leniently: pairs without `=` or without a name are left out, quotes around a
 * value are removed. Values stay encoded; names may occur several times. A semicolon ends a value wherever it stands, so
 * that no value can swallow the cookies behind it. Names that begin with `$` belong to an obsolete syntax (RFC 2965) and
 * are left out unless `keepsDollarNames` is set.
 */
export function parseCookieHeader(
  lines: string | readonly string[],
  options?: { readonly keepsDollarNames?: boolean },
): readonly (readonly [name: string, value: string])[] {
  const cookies: (readonly [string, string])[] = [];
  const text = typeof lines === 'string' ? lines : lines.join(';');
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf(';', start);
    if (end < 0) end = text.length;
    const equals = text.indexOf('=', start);
    if (equals >= 0 && equals < end) {
      const name = text.slice(start, equals).trim();
      const isTaken = name !== '' && (!name.startsWith('$') || options?.keepsDollarNames === true);
      if (isTaken) cookies.push([name, unquoteCookieValue(text.slice(equals + 1, end).trim())]);
    }
    start = end + 1;
    // Without any further `=` there is no further cookie.
    if (equals < 0) break;
  }
  return cookies;
}
