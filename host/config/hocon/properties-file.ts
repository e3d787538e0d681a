import { HoconText } from './hocon-text.js';
import type { HoconObject, HoconPlace, HoconValue } from './hocon-value.js';

/**
 * Reads a `.properties` file as HOCON does: every value is text, dots in names make sections, a section wins over a
 * text of the same name. Throws HoconError.
 */
export function parseProperties(text: string, file: string): HoconObject {
  const places = new HoconText(text, file);
  const root: HoconObject = { kind: 'object', fields: new Map(), place: places.place(0) };
  for (const { line, at } of logicalLines(text)) {
    const match = /^((?:\\.|[^\\\s=:])*)\s*[=:]?\s*(.*)$/s.exec(line);
    const [, name = '', value = ''] = match ?? [];
    const keys = withoutEscapes(name).split('.');
    if (keys.length > MAX_PARTS) places.fail(`a name with more than ${MAX_PARTS} parts`, at);
    if (keys.includes('') || keys.includes('__proto__'))
      places.fail(`${JSON.stringify(name.slice(0, 80))} is no name: write words with dots between them`, at);
    put(root, keys, withoutEscapes(value), places.place(at));
  }
  return root;
}

/** Most parts of a name: sections within sections. */
const MAX_PARTS = 64;

/** Lines without blank space in front; one that ends in an odd number of backslashes goes on in the next. */
function* logicalLines(text: string): Generator<{ readonly line: string; readonly at: number }> {
  let pending: { line: string; at: number } | undefined;
  let at = 0;
  for (const raw of text.replaceAll('\r\n', ' \n').split('\n')) {
    const line = raw.trimStart();
    const start = at + raw.length - line.length;
    at += raw.length + 1;
    if (pending === undefined && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue;
    const isContinued = /(?<!\\)(?:\\\\)*\\\s?$/.test(line) && !line.endsWith('\\ ');
    const part = isContinued ? line.replace(/\\\s?$/, '') : line.trimEnd();
    const whole: { line: string; at: number } = {
      line: (pending?.line ?? '') + part,
      at: pending?.at ?? start,
    };
    pending = isContinued ? whole : undefined;
    if (!isContinued) yield whole;
  }
  if (pending !== undefined) yield pending;
}

function withoutEscapes(text: string): string {
  return text.replaceAll(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, escaped: string) => {
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return { n: '\n', t: '\t', r: '\r', f: '\f' }[escaped] ?? escaped;
  });
}

function put(root: HoconObject, keys: readonly string[], value: string, place: HoconPlace): void {
  let object = root;
  for (const key of keys.slice(0, -1)) {
    let next: HoconValue | undefined = object.fields.get(key);
    if (next?.kind !== 'object') {
      next = { kind: 'object', fields: new Map(), place };
      object.fields.set(key, next);
    }
    object = next;
  }
  const last = keys.at(-1) as string;
  if (object.fields.get(last)?.kind !== 'object')
    object.fields.set(last, { kind: 'scalar', value, text: value, place });
}
