import { isSameAuthority } from '../http/authority.js';

/**
 * Puts the context path back into what an application sends that was told nothing but `X-Forwarded-Prefix`:
 * `Location`, `Content-Location`, `Refresh` and the `Path` of cookies (architecture: context-path contract).
 * Pure; the caller applies it only when the prefix was stripped and the context is not ROOT.
 */

/** What a response is rewritten against. */
export interface MountPoint {
  /** `/shop`; never `''` and never ending in `/`. */
  readonly contextPath: string;
  /** Host and port as the client named them, in lower case; absolute URLs of other hosts are left alone. */
  readonly authority: string;
  /** Of the request: applications make addresses of `Host`, which is another one behind a proxy that tells the host itself. */
  readonly fields?: { get(lowerName: string): string | undefined };
}

/** The value of field `lowerName` as the client must see it; most fields come back as they are. */
export function withContextPath(lowerName: string, value: string, mount: MountPoint): string {
  return withPaths(lowerName, value, mount, prefixedPath);
}

/** The other way round: for whoever calls the application by a name of its own, where its paths begin behind the context path. */
export function withoutContextPath(lowerName: string, value: string, mount: MountPoint): string {
  return withPaths(lowerName, value, mount, strippedPath);
}

/** What becomes of a path that begins with `/`, with what follows it. */
type PathRule = (path: string, contextPath: string) => string;

function withPaths(lowerName: string, value: string, mount: MountPoint, rule: PathRule): string {
  switch (lowerName) {
    case 'location':
    case 'content-location':
      return changedReference(value, mount, rule);
    case 'refresh':
      return changedRefresh(value, mount, rule);
    case 'set-cookie':
      return changedCookie(value, mount.contextPath, rule);
    default:
      return value;
  }
}

/**
 * A URI reference (RFC 3986 §4.1) with its path changed by the rule, when it points to this host.
 * Network-path references (`//host`, also as `/\host`, which browsers read the same) are never touched, and never
 * produced: the result of a rewrite begins with one slash that no other follows, or with scheme and authority.
 */
function changedReference(reference: string, mount: MountPoint, rule: PathRule): string {
  if (reference.startsWith('/')) return rule(reference, mount.contextPath);
  const absolute = /^(https?):\/\/([^/?#\\]*)(.*)$/is.exec(reference);
  if (absolute === null) return reference;
  const [, scheme = '', authority = '', rest = ''] = absolute;
  if (rest.startsWith('\\')) return reference;
  const names = authority.toLowerCase();
  const kind = scheme.toLowerCase() === 'https' ? 'https' : 'http';
  const isThis = (own: string): boolean => own !== '' && isSameAuthority(names, own, kind);
  if (!isThis(mount.authority) && !isThis(mount.fields?.get('host')?.toLowerCase() ?? '')) return reference;
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return `${scheme}://${authority}${rule(path, mount.contextPath)}`;
}

function prefixedPath(path: string, contextPath: string): string {
  if (isNetworkPath(path)) return path;
  return isUnder(path, contextPath) ? path : contextPath + path;
}

function strippedPath(path: string, contextPath: string): string {
  if (isNetworkPath(path) || !isUnder(path, contextPath)) return path;
  const rest = path.slice(contextPath.length);
  if (isNetworkPath(rest)) return path;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function isNetworkPath(path: string): boolean {
  return path.startsWith('//') || path.startsWith('/\\');
}

/** `/shop`, `/shop/…`, `/shop?…`, `/shop#…` are under `/shop`; `/shopping` is not. */
function isUnder(path: string, contextPath: string): boolean {
  if (!path.startsWith(contextPath)) return false;
  const next = path.charAt(contextPath.length);
  return next === '' || next === '/' || next === '?' || next === '#';
}

/** `5; url=/next`, also with quotes or without `url=`, as browsers read it. */
function changedRefresh(value: string, mount: MountPoint, rule: PathRule): string {
  const parts = /^(\s*[\d.]*\s*[;,]\s*(?:url\s*=\s*)?)(["']?)(.*)$/is.exec(value);
  if (parts === null) return value;
  const [, lead = '', quote = '', reference = ''] = parts;
  return lead + quote + changedReference(reference, mount, rule);
}

/**
 * Cookie with the path of each `Path` attribute changed (RFC 6265 §4.1.2.4). A cookie without `Path` already gets
 * the right one from the client. A name with the `__Host-` prefix demands `Path=/` and keeps it.
 */
function changedCookie(cookie: string, contextPath: string, rule: PathRule): string {
  if (/^\s*__host-/i.test(cookie)) return cookie;
  return cookie.replace(
    /(;\s*path\s*=\s*)("?)(\/[^;"]*)/gi,
    (_whole, lead: string, quote: string, path: string) => {
      const trimmed = path.trimEnd();
      // `/shop` itself would not be under `/shop/`.
      const changed = trimmed === '/' && rule === prefixedPath ? contextPath : rule(trimmed, contextPath);
      return `${lead}${quote}${changed === trimmed ? path : changed}`;
    },
  );
}
