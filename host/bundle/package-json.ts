import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallText } from '../config/read-text.js';
import { messageOf, PorticoError } from '../errors.js';
import { refuseLinkOut } from './descriptor.js';

/** Package files of large projects list thousands of things. */
const MAX_PACKAGE_BYTES = 1024 * 1024;
/** Conditions under which `exports` is read, as Node does for `import`. */
const CONDITIONS = ['node', 'import', 'module-sync', 'require', 'default'];

/** What a `package.json` says about where the program begins. */
export interface PackageEntry {
  readonly main: string | undefined;
  /** Which key said so, for messages. */
  readonly from: string | undefined;
}

/**
 * Reads `package.json` of a bundle; undefined when there is none. The entry is `main`, else `exports`, else the file
 * of a start script of the plain form `node FILE`. Throws PorticoError `PORTICO_BUNDLE_INVALID`.
 */
export function readPackageJson(folder: string): PackageEntry | undefined {
  const file = join(folder, 'package.json');
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
  refuseLinkOut(folder, file);
  const json = parseJson(file);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new PorticoError(
      'PORTICO_BUNDLE_INVALID',
      `${file} does not hold an object: write { } with keys and values`,
    );
  }
  const { main, exports, scripts } = json as { main?: unknown; exports?: unknown; scripts?: unknown };
  if (main !== undefined && main !== '') {
    if (typeof main === 'string') return { main, from: 'main' };
    throw new PorticoError(
      'PORTICO_BUNDLE_INVALID',
      `${file}: main is not text: name the file the program begins with`,
    );
  }
  const exported = exportedEntry(exports);
  if (exported !== undefined) return { main: exported, from: 'exports' };
  const script = startScript(scripts);
  return script === undefined
    ? { main: undefined, from: undefined }
    : { main: script, from: 'scripts.start' };
}

function parseJson(file: string): unknown {
  let text: string;
  try {
    text = readSmallText(file, MAX_PACKAGE_BYTES);
  } catch (cause) {
    throw new PorticoError('PORTICO_BUNDLE_INVALID', messageOf(cause), { cause });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    const offset = syntaxErrorOffset(text);
    const before = text.slice(0, offset).split('\n');
    const place = `:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    throw new PorticoError('PORTICO_BUNDLE_INVALID', `${file}${place}: not valid JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** V8 gives a position for some errors only; an unexpected character is the first that no longer asks for more text. */
function syntaxErrorOffset(text: string): number {
  const messageFor = (length: number): string => {
    try {
      JSON.parse(text.slice(0, length));
      return '';
    } catch (error) {
      return messageOf(error);
    }
  };
  const given = /at position (\d+)/.exec(messageFor(text.length))?.[1];
  if (given !== undefined) return Number(given);
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (messageFor(middle).includes('Unexpected token')) bad = middle;
    else good = middle;
  }
  return good;
}

/** The target of `.`; conditions in the order the file gives them, as Node's resolution algorithm says. */
function exportedEntry(exports: unknown, depth = 0): string | undefined {
  if (typeof exports === 'string') return exports;
  if (depth > 8 || typeof exports !== 'object' || exports === null) return undefined;
  if (Array.isArray(exports)) {
    for (const target of exports) {
      const found = exportedEntry(target, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const map = exports as Record<string, unknown>;
  if (Object.keys(map).some((key) => key.startsWith('.'))) {
    return depth === 0 && Object.hasOwn(map, '.') ? exportedEntry(map['.'], depth + 1) : undefined;
  }
  for (const [condition, target] of Object.entries(map)) {
    if (!CONDITIONS.includes(condition)) continue;
    const found = exportedEntry(target, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function startScript(scripts: unknown): string | undefined {
  const start =
    typeof scripts === 'object' && scripts !== null && 'start' in scripts ? scripts.start : undefined;
  return typeof start === 'string' ? /^\s*node\s+([\w./-]+)\s*$/.exec(start)?.[1] : undefined;
}
