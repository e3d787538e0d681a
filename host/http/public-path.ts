/**
 * Splits a canonical path within a static context into the names of files and folders, percent-decoded and without
 * path parameters. Undefined when no file may be served for it: names that begin with a dot (`.env`, `.git`),
 * `node_modules`, what describes the bundle at its root (`package.json`), the servlet folders `WEB-INF` and
 * `META-INF`, and names that some file system would read as another name. Letter case makes no difference, since
 * on some file systems it makes none. The caller answers 404, as for a file that does not exist.
 *
 * `.well-known` at the root is served (RFC 8615).
 *
 * The last name is `''` for a path that ends with a slash.
 */
export function namesOf(within: string): string[] | undefined {
  const names = within.split('/');
  names.shift();
  for (let i = 0; i < names.length; i++) {
    const name = decode(names[i] as string);
    if (name === undefined) return undefined;
    if (name === '' && i < names.length - 1) return undefined;
    names[i] = name;
  }
  return names.every(isPublicName) ? names : undefined;
}

/** Whether a file below these decoded names may be served; see `namesOf`. */
export function arePublicNames(names: readonly string[]): boolean {
  return names.every((name, depth) => !IMPOSSIBLE.test(name) && isPublicName(name, depth));
}

/** Whether a file of this name at this depth may be served; see `namesOf`. */
export function isPublicName(name: string, depth: number): boolean {
  if (name === '') return true;
  const first = name.charCodeAt(0);
  if (first === DOT && !(depth === 0 && name === '.well-known')) return false;
  const last = name.charCodeAt(name.length - 1);
  // Windows drops dots and blanks at the end of a name, and reads what follows a colon as a stream of the file.
  if (last === DOT || last === BLANK || (process.platform === 'win32' && name.includes(':'))) return false;
  const lower = name.toLowerCase();
  if (lower === 'node_modules') return false;
  return depth > 0 || !DESCRIPTORS.has(lower);
}

const DOT = 0x2e;
const BLANK = 0x20;

/** Never served at the root of a bundle; in lower case. */
const DESCRIPTORS: ReadonlySet<string> = new Set([
  'web-inf',
  'meta-inf',
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'bun.lock',
  'bun.lockb',
  'tsconfig.json',
  'application.yaml',
  'application.yml',
  'application.conf',
  'application.json',
  'application.properties',
]);

// biome-ignore lint/suspicious/noControlCharactersInRegex: a name with one is never a public file
const IMPOSSIBLE = /[\u0000-\u001f\u007f/\\]/;

function decode(segment: string): string | undefined {
  const parameters = segment.indexOf(';');
  const name = parameters < 0 ? segment : segment.slice(0, parameters);
  // A segment of parameters alone has no name of its own.
  if (name === '' && parameters >= 0) return undefined;
  if (!name.includes('%')) return IMPOSSIBLE.test(name) ? undefined : name;
  try {
    const decoded = decodeURIComponent(name);
    return IMPOSSIBLE.test(decoded) ? undefined : decoded;
  } catch {
    // Not UTF-8; no file has such a name.
    return undefined;
  }
}
