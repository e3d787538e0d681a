import { readFileSync, statSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Lines of a source file around the place where something went wrong. */
export interface SourceExcerpt {
  readonly file: string;
  readonly line: number;
  /** Number and text of each line. */
  readonly lines: readonly (readonly [number, string])[];
}

/** Lines before and behind. */
const AROUND = 4;
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_LINE_LENGTH = 200;
/** Stacks are read so far. */
const MAX_FRAMES = 100;

/**
 * The source around the first frame of a stack that belongs to the application: not to Node, not to `node_modules`, not
 * to Portico. By the source map of the file, where there is one whose source exists. Undefined when there is no such
 * frame or its file cannot be read. Never throws.
 */
export function sourceExcerpt(stack: string): SourceExcerpt | undefined {
  for (const line of stack.split('\n').slice(0, MAX_FRAMES)) {
    const place = placeOf(line);
    if (place === undefined || isForeign(place.file)) continue;
    const origin = originOf(place) ?? place;
    const excerpt = excerptOf(origin);
    if (excerpt !== undefined) return excerpt;
  }
  return undefined;
}

interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** `at name (file:1:2)`, `at file:///x.js:1:2`, and the first line of syntax errors, `file:1`. */
function placeOf(text: string): Place | undefined {
  const match =
    /(?:\(|\bat (?:async )?)((?:file:\/\/)?\/[^()]*?):(\d+):(\d+)\)?$/.exec(text) ??
    /^((?:file:\/\/)?\/.*?):(\d+)()$/.exec(text);
  if (match === null) return undefined;
  const path = (match[1] as string).replace(/\?[^?]*$/, '');
  try {
    const file = path.startsWith('file:') ? fileURLToPath(path) : path;
    return { file, line: Number(match[2]), column: Number(match[3]) || 1 };
  } catch {
    // Not a path of this machine.
    return undefined;
  }
}

const OWN_FOLDER = fileURLToPath(new URL('../../', import.meta.url));

function isForeign(file: string): boolean {
  return file.includes('/node_modules/') || file.startsWith(OWN_FOLDER);
}

function originOf(place: Place): Place | undefined {
  try {
    const text = readSource(place.file);
    const reference = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(text ?? '')?.[1];
    if (reference === undefined) return undefined;
    const map = new SourceMap(payloadOf(reference, place.file));
    const entry = map.findEntry(place.line - 1, place.column - 1);
    if (!('originalSource' in entry)) return undefined;
    const source = entry.originalSource;
    const file = source.startsWith('file:') ? fileURLToPath(source) : resolve(dirname(place.file), source);
    if (!statSync(file).isFile()) return undefined;
    return { file, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  } catch {
    // A map that is missing or broken: the compiled file is shown instead.
    return undefined;
  }
}

function payloadOf(reference: string, file: string): SourceMapPayload {
  const data = /^data:application\/json[^,]*?(;base64)?,(.*)$/.exec(reference);
  const text =
    data === null
      ? readFileSync(resolve(dirname(file), reference), 'utf8')
      : data[1] === undefined
        ? decodeURIComponent(data[2] as string)
        : Buffer.from(data[2] as string, 'base64').toString('utf8');
  return JSON.parse(text) as SourceMapPayload;
}

function excerptOf({ file, line }: Place): SourceExcerpt | undefined {
  const text = readSource(file);
  if (text === undefined) return undefined;
  const all = text.split('\n');
  if (line > all.length) return undefined;
  const first = Math.max(1, line - AROUND);
  const lines = all
    .slice(first - 1, line + AROUND)
    .map((content, index) => [first + index, content.slice(0, MAX_LINE_LENGTH)] as const);
  return { file, line, lines };
}

function readSource(file: string): string | undefined {
  try {
    const { size } = statSync(file);
    return size > MAX_FILE_BYTES ? undefined : readFileSync(file, 'utf8');
  } catch {
    // Generated code, or a file that has gone since it was loaded.
    return undefined;
  }
}
