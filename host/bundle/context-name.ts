import { quotedName } from './quoted-name.js';

/**
 * The one place where the name of a bundle becomes a context path and a version:
 *
 * | base name    | context path | version |
 * |--------------|--------------|---------|
 * | `foo`        | `/foo`       |         |
 * | `foo##42`    | `/foo`       | `42`    |
 * | `foo#bar##2` | `/foo/bar`   | `2`     |
 * | `ROOT`       | `''`         |         |
 * | `ROOT##2`    | `''`         | `2`     |
 * | `ROOT#x`     | `/ROOT/x`    |         |
 *
 * Everything behind the first `##` is the version; each other `#` is a slash. `ROOT` is special only alone and only
 * in capitals. A name holds letters and digits of any script and `-`, `_`, `.`, `~`: what a URL never has to encode
 * in two ways. Spaces and `%` are refused: they would have to be written differently in a file name, a URL and a log.
 */

/** A name that is fit to be served. */
export interface ContextName {
  /** Base name with version, as operators see it: `foo#bar##2`. In Unicode form NFC. */
  readonly name: string;
  /** Without version: `foo#bar`. The same for every version of one application. */
  readonly application: string;
  /** `''` for ROOT, `/foo/bar` otherwise; canonical, percent-encoded. */
  readonly contextPath: string;
  /** `''` when the name carries none. */
  readonly version: string;
  /** Virtual host the operator's descriptor asks for, see `hostAskedFor`; absent: the default host. Never from the name. */
  readonly host?: string | undefined;
}

/** What a name says, or in words why it cannot be used. */
export type Named<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly reason: string };

/** Longest base name, in UTF-8 bytes; leaves room for log and socket file names made from it. */
export const MAX_NAME_BYTES = 160;
/** Longest context path asked for in a descriptor, in characters. */
const MAX_CONTEXT_PATH_LENGTH = 512;

/** First segments no application may take: kept for the host's own pages. */
const RESERVED_FIRST_SEGMENTS: readonly string[] = ['admin', 'portico'];
/** Names that are never bundles, in any letter case: folders of tools, and devices of Windows. */
const RESERVED_NAME = /^(?:meta-inf|web-inf|node_modules|con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
const SEGMENT = /^[\p{L}\p{M}\p{N}._~-]+$/u;
const VERSION = /^[A-Za-z0-9._~+-]*$/;

/** Reads a base name: the file name without its extension. Never throws. */
export function parseContextName(baseName: string): Named<{ readonly value: ContextName }> {
  const refuse = (reason: string) =>
    ({ ok: false, reason: `the name ${quotedName(baseName)} ${reason}` }) as const;
  if (baseName === '') return refuse('is empty');
  if (Buffer.byteLength(baseName) > MAX_NAME_BYTES)
    return refuse(`is longer than ${MAX_NAME_BYTES} bytes: shorten it`);
  const unfit = unfitCharacter(baseName);
  if (unfit !== undefined) return refuse(unfit);
  const name = baseName.normalize('NFC');
  const split = name.indexOf('##');
  const application = split < 0 ? name : name.slice(0, split);
  const version = split < 0 ? '' : name.slice(split + 2);
  if (split >= 0 && application === '')
    return refuse('has a version but no name: write ROOT##1 for the root context');
  if (split >= 0 && version === '')
    return refuse('ends in ## without a version: add the version or remove the ##');
  if (version !== '' && !VERSION.test(version)) {
    return refuse('has a version with other characters than letters, digits and . _ ~ + -');
  }
  if (/^[^A-Za-z0-9]/.test(version))
    return refuse('has a version that does not begin with a letter or a digit: rename it');
  if (application === 'ROOT') return { ok: true, value: { name, application, contextPath: '', version } };
  const segments = application.split('#');
  const wrong = segmentsProblem(segments);
  if (wrong !== undefined) return refuse(wrong);
  return { ok: true, value: { name, application, contextPath: pathOf(segments), version } };
}

/**
 * Checks a context path written by a person, `/shop` or `/foo/bar`; `/` and `''` mean the root. Gives it in canonical,
 * percent-encoded form, `''` for the root. Never throws.
 */
export function parseContextPath(text: string): Named<{ readonly contextPath: string }> {
  const refuse = (reason: string) =>
    ({ ok: false, reason: `the context path ${quotedName(text)} ${reason}` }) as const;
  if (text === '' || text === '/') return { ok: true, contextPath: '' };
  if (text.length > MAX_CONTEXT_PATH_LENGTH)
    return refuse(`is longer than ${MAX_CONTEXT_PATH_LENGTH} characters`);
  if (!text.startsWith('/')) return refuse('does not begin with a slash');
  if (text.endsWith('/')) return refuse('ends in a slash: remove it');
  if (text.includes('//')) return refuse('contains an empty segment (//)');
  const unfit = unfitCharacter(text);
  if (unfit !== undefined) return refuse(unfit);
  const segments = text.normalize('NFC').slice(1).split('/');
  const wrong = segmentsProblem(segments);
  return wrong === undefined ? { ok: true, contextPath: pathOf(segments) } : refuse(wrong);
}

/** What a file in the drop folder is by its name; content decides later whether that is true. */
export type BundleFileKind = 'archive' | 'descriptor' | 'ready-marker' | 'other';

/**
 * Cuts the extension, in any letter case: `.tgz`, `.tar.gz` and `.zip` are archives, `.yaml` and `.yml` operator's
 * descriptors, `.ready` markers. For folders the whole name is the base name, dots included.
 */
export function splitFileName(fileName: string): {
  readonly kind: BundleFileKind;
  readonly baseName: string;
} {
  const match = /(\.tgz|\.tar\.gz|\.zip|\.ya?ml|\.ready)$/i.exec(fileName);
  if (match === null) return { kind: 'other', baseName: fileName };
  const baseName = fileName.slice(0, match.index);
  const extension = match[0].toLowerCase();
  if (extension === '.ready') return { kind: 'ready-marker', baseName };
  return { kind: extension.startsWith('.y') ? 'descriptor' : 'archive', baseName };
}

/** Whether a folder entry is none of our business and not worth a word: hidden files, leftovers of editors. */
export function isIgnoredFileName(fileName: string): boolean {
  return /^[.~]|~$|^#.+#$|\.(?:swp|swx|tmp|part|bak)$/i.test(fileName);
}

function unfitCharacter(text: string): string | undefined {
  if (/[\uFFFD\p{Cs}]/u.test(text)) return 'is not valid UTF-8: rename it';
  if (/\p{Cc}/u.test(text)) return 'contains a control character: rename it';
  // Cf holds the bidirectional overrides and the zero-width characters: the name would not read as it is.
  if (/[\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(text))
    return 'contains an invisible or direction-changing character: rename it';
  if (text.includes('%')) return 'contains a percent sign: write the character itself';
  if (/\s/.test(text)) return 'contains a space: use - instead';
  return undefined;
}

function segmentsProblem(segments: readonly string[]): string | undefined {
  for (const segment of segments) {
    if (segment === '')
      return 'has an empty segment: remove the # or / at the beginning, the end or in a row';
    if (/^[.~]/.test(segment)) return 'has a segment that begins with a dot or tilde: rename it';
    if (segment.endsWith('.')) return 'has a segment that ends in a dot: rename it';
    if (!SEGMENT.test(segment)) return 'contains other characters than letters, digits and - _ . ~';
    if (/^\p{M}/u.test(segment)) return 'has a segment that begins with a combining mark: rename it';
    if (RESERVED_NAME.test(segment)) return `contains ${quotedName(segment)}, which is reserved: rename it`;
  }
  const first = segments[0]?.toLowerCase() ?? '';
  if (RESERVED_FIRST_SEGMENTS.includes(first))
    return `takes /${first}, which is kept for the host: rename it`;
  return undefined;
}

function pathOf(segments: readonly string[]): string {
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
}
