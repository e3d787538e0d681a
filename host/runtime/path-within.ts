/**
 * The part of `path` behind the context path; begins with `/`. `path` is one for which the mapper found that context.
 * Parameters of the segments that matched the context path (`/shop;v=1/cart`) go with them.
 */
export function pathWithin(path: string, contextPath: string): string {
  const length = contextPath.length;
  if (length === 0) return path;
  if (path.length === length) return '/';
  if (path.charCodeAt(length) === SLASH && path.startsWith(contextPath)) return path.slice(length);
  let border = 0;
  for (let depth = depthOf(contextPath); depth > 0; depth--) {
    border = path.indexOf('/', border + 1);
    if (border < 0) return '/';
  }
  return path.slice(border);
}

const SLASH = 0x2f;

/** Slashes of a path: segments, when it is canonical. */
export function depthOf(path: string): number {
  let depth = 0;
  for (let i = 0; i < path.length; i++) if (path.charCodeAt(i) === SLASH) depth++;
  return depth;
}
