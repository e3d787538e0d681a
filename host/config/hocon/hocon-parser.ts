import { HoconText } from './hocon-text.js';
import {
  assign,
  type HoconConcatenation,
  type HoconList,
  type HoconObject,
  type HoconPlace,
  type HoconScalar,
  type HoconValue,
} from './hocon-value.js';
import { parseProperties } from './properties-file.js';

/** A file that another one includes; undefined when it is not there. Throws HoconError for what must not be included. */
export type HoconInclude = (
  name: string,
  kind: 'file' | 'classpath' | 'plain',
  place: HoconPlace,
) => { readonly text: string; readonly file: string } | undefined;

/** What bounds a file that anybody may have written. One budget counts for a file and all that it includes. */
export interface HoconBudget {
  values: number;
  readonly include: HoconInclude;
}

const MAX_DEPTH = 64;
const MAX_INCLUDE_DEPTH = 10;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Reads one file of HOCON, a superset of JSON: comments, keys as paths, `=` `:` `+=`, text without quotes,
 * concatenation, substitutions, includes. `prefix` is the path below which it is included. Throws HoconError.
 */
export function parseHocon(
  text: string,
  file: string,
  budget: HoconBudget,
  prefix: readonly string[] = [],
  includeDepth = 0,
): HoconObject {
  return new Parser(new HoconText(text, file), budget, prefix, includeDepth).root();
}

class Parser {
  readonly #text: HoconText;
  readonly #budget: HoconBudget;
  readonly #prefix: readonly string[];
  readonly #includeDepth: number;

  constructor(text: HoconText, budget: HoconBudget, prefix: readonly string[], includeDepth: number) {
    this.#text = text;
    this.#budget = budget;
    this.#prefix = prefix;
    this.#includeDepth = includeDepth;
  }

  root(): HoconObject {
    const text = this.#text;
    text.skip();
    const place = text.place();
    const hasBraces = text.take('{');
    if (!hasBraces && text.next === '[')
      text.fail('the file must hold keys and values (key = value), not a list');
    const object = this.#fields(place, this.#prefix, hasBraces ? '}' : '', 0);
    text.skip();
    if (!text.isAtEnd) text.fail('the file has ended with the } before: nothing may follow');
    return object;
  }

  /** Fields up to `end`, which is taken; `''` is the end of the file. */
  #fields(place: HoconPlace, path: readonly string[] | undefined, end: '}' | '', depth: number): HoconObject {
    const text = this.#text;
    const object: HoconObject = { kind: 'object', fields: new Map(), place };
    for (;;) {
      text.skip();
      if (end === '' ? text.isAtEnd : text.take(end)) return object;
      if (text.isAtEnd) throw text.fail('a } is missing at the end');
      if (text.next === '}') text.fail('this } closes nothing');
      if (!this.#takeInclude(object, path)) this.#field(object, path, depth);
      this.#separator(end === '' ? '' : end);
    }
  }

  /** A comma, the end of a line, or the end of what is read. */
  #separator(end: string): void {
    const text = this.#text;
    const from = text.at;
    const hasLineEnd = text.skip();
    if (text.take(',')) {
      text.skip();
      if (text.next === ',') text.fail('a second comma: remove it');
    } else if (!hasLineEnd && !text.isAtEnd && !(end !== '' && text.next === end)) {
      text.fail('here must be a comma or the end of the line', from);
    }
  }

  #field(object: HoconObject, path: readonly string[] | undefined, depth: number): void {
    const text = this.#text;
    const place = text.place();
    const keys = this.#path('=');
    text.skip();
    let value: HoconValue;
    const full = path && [...path, ...keys];
    if (text.take('+=')) {
      const item = this.#value(undefined, depth + 1);
      const list: HoconList = { kind: 'list', items: [item], place: item.place };
      value = { kind: 'concatenation', parts: [{ kind: 'previous', place }, list], place };
    } else if (text.take('=') || text.take(':') || text.next === '{') {
      value = this.#value(full, depth + 1);
    } else {
      throw text.fail(
        `behind the key ${JSON.stringify(keys.join('.').slice(0, 80))} must be = or : and a value`,
      );
    }
    // `a.b.c = 1` is `a { b { c = 1 } }`.
    for (const key of keys.slice(1).reverse())
      value = { kind: 'object', fields: new Map([[key, value]]), place };
    assign(object, keys[0] as string, value);
  }

  /** Keys with dots between them. `end` names where it stands: in front of `=`, or in a substitution in front of `}`. */
  #path(end: '=' | '}'): string[] {
    const text = this.#text;
    const from = text.at;
    const keys: string[] = [''];
    let isQuoted = false;
    for (;;) {
      const last = keys.length - 1;
      if (text.next === '"') {
        keys[last] += text.takeQuoted();
        isQuoted = true;
      } else if (text.take('.')) {
        if (keys[last] === '' && !isQuoted) text.fail('a key is missing in front of this dot', text.at - 1);
        keys.push('');
        isQuoted = false;
      } else {
        const word = text.takeUnquoted(true);
        if (word === '') break;
        keys[last] += word;
        // Blank space within a key belongs to it, at its end it does not.
        const space = text.takeSpace();
        if (space !== '' && !/[=:{}+,$[\]]|^$/.test(text.next) && text.next !== '\n' && !text.isComment())
          keys[last] += space;
      }
    }
    text.takeSpace();
    if (keys.at(-1) === '' && !isQuoted)
      text.fail(end === '}' ? 'a substitution without a name' : 'a key is missing', from);
    if (keys.length > MAX_DEPTH) text.fail(`a key with more than ${MAX_DEPTH} parts`, from);
    if (keys.includes('__proto__')) text.fail('__proto__ is not allowed as a key', from);
    return keys;
  }

  /** Everything up to the end of the line, the next comma or the closing bracket. */
  #value(path: readonly string[] | undefined, depth: number): HoconValue {
    const text = this.#text;
    if (depth > MAX_DEPTH) text.fail(`nested deeper than ${MAX_DEPTH} levels`);
    text.skip();
    const place = text.place();
    const parts: HoconConcatenation['parts'][number][] = [];
    for (;;) {
      const space = text.takeSpace();
      const { next } = text;
      if (next === '' || next === '\n' || ',}]'.includes(next) || text.isComment()) break;
      if (space !== '' && parts.length > 0) parts.push({ kind: 'space', text: space });
      parts.push(this.#part(path, depth));
    }
    const [first] = parts;
    if (first === undefined || first.kind === 'space') return text.fail('a value is missing here');
    return parts.length === 1 ? first : joined({ kind: 'concatenation', parts, place });
  }

  #part(path: readonly string[] | undefined, depth: number): HoconValue {
    const text = this.#text;
    const place = text.place();
    if (--this.#budget.values < 0) text.fail('the file has more values than are read');
    if (text.next === '"') {
      const value = text.takeQuoted();
      return { kind: 'scalar', value, text: value, place };
    }
    if (text.take('{')) return this.#fields(place, path, '}', depth);
    if (text.take('[')) return { kind: 'list', items: this.#items(depth), place };
    if (text.take('${')) return this.#substitution(place);
    const word = text.takeUnquoted(false);
    if (word === '')
      text.fail(
        `${JSON.stringify(text.next)} cannot stand in a text without quotes: put the text into quotes`,
      );
    return unquoted(word, place);
  }

  #items(depth: number): HoconValue[] {
    const text = this.#text;
    const items: HoconValue[] = [];
    for (;;) {
      text.skip();
      if (text.take(']')) return items;
      if (text.isAtEnd) text.fail('a ] is missing at the end');
      items.push(this.#value(undefined, depth + 1));
      this.#separator(']');
    }
  }

  #substitution(place: HoconPlace): HoconValue {
    const text = this.#text;
    const isOptional = text.take('?');
    text.takeSpace();
    const path = this.#path('}');
    const isList = text.take('[]');
    text.takeSpace();
    if (!text.take('}')) text.fail('a substitution ends with }, after the name of a key or variable');
    const paths = this.#prefix.length === 0 ? [path] : [[...this.#prefix, ...path], path];
    return { kind: 'substitution', paths, isOptional, isList, place };
  }

  /** `include "a"`, `include file("a")`, `include required(classpath("a"))`. */
  #takeInclude(object: HoconObject, path: readonly string[] | undefined): boolean {
    const text = this.#text;
    const from = text.at;
    const place = text.place();
    if (!text.take('include')) return false;
    const hasSpace = text.takeSpace() !== '';
    const isRequired = text.take('required(');
    if (isRequired) text.takeSpace();
    const kinds = ['file', 'classpath', 'url'] as const;
    const kind = kinds.find((name) => text.take(`${name}(`));
    if (kind === undefined && (text.next !== '"' || (!hasSpace && !isRequired))) {
      // A key that begins with this word.
      text.at = from;
      return false;
    }
    text.takeSpace();
    if (text.next !== '"') text.fail('behind include comes the name of a file in quotes');
    const name = text.takeQuoted();
    for (let close = (kind === undefined ? 0 : 1) + (isRequired ? 1 : 0); close > 0; close--) {
      text.takeSpace();
      if (!text.take(')')) text.fail('a ) is missing');
    }
    if (kind === 'url' || /^[a-z][a-z0-9+.-]+:/i.test(name))
      text.fail('configuration is not fetched from the network: include a file', from);
    if (this.#includeDepth >= MAX_INCLUDE_DEPTH)
      text.fail(`more than ${MAX_INCLUDE_DEPTH} includes within each other`, from);
    const included = this.#budget.include(name, kind === undefined || kind === 'url' ? 'plain' : kind, place);
    if (included === undefined) {
      if (isRequired) text.fail(`the included file ${JSON.stringify(name)} does not exist`, from);
      return true;
    }
    const { fields } = included.file.endsWith('.properties')
      ? parseProperties(included.text, included.file)
      : parseHocon(included.text, included.file, this.#budget, path ?? [], this.#includeDepth + 1);
    for (const [key, value] of fields) assign(object, key, value);
    return true;
  }
}

function unquoted(word: string, place: HoconPlace): HoconScalar {
  const number = NUMBER.test(word) ? Number(word) : undefined;
  // 1.50 and 9007199254740993 stay as they are written: as text they lose nothing.
  const value =
    word === 'true'
      ? true
      : word === 'false'
        ? false
        : word === 'null'
          ? null
          : number !== undefined && String(number) === word
            ? number
            : word;
  return { kind: 'scalar', value, text: word, place };
}

/** Text known now is joined now: most concatenations are words of one text. */
function joined(whole: HoconConcatenation): HoconValue {
  let text = '';
  for (const part of whole.parts) {
    if (part.kind !== 'scalar' && part.kind !== 'space') return whole;
    text += part.text;
  }
  return { kind: 'scalar', value: text, text, place: whole.place };
}
