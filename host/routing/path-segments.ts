import { decodePercent } from '../application/percent-decoding.js';

/**
 * Splits a path into decoded segments: empty ones are dropped, a final slash gives an empty last one, `%2F` is a slash
 * inside a segment. With `ignoresTrailingSlash` slashes at both ends count for nothing. A bad escape is
 * `PORTICO_BAD_ESCAPE` (400).
 */
export function pathSegments(path: string, ignoresTrailingSlash: boolean): readonly string[] {
  if (path === '' || path === '/') return NO_SEGMENTS;
  const segments: string[] = [];
  for (let start = 0; start < path.length; ) {
    let end = path.indexOf('/', start);
    if (end < 0) end = path.length;
    if (end > start) segments.push(decodePercent(path.slice(start, end), false));
    start = end + 1;
  }
  if (!ignoresTrailingSlash && path.endsWith('/')) segments.push('');
  return segments;
}

const NO_SEGMENTS: readonly string[] = [];
