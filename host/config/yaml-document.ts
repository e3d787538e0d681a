import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type Scalar,
} from 'yaml';
import { type ConfigPath, type ConfigProblem, formatPath } from './config-error.js';
import { interpolate, type Variables } from './interpolate.js';

/**
 * YAML as plain data that remembers where each value stood. Written for files an attacker may have made: bounded in
 * tokens, depth, aliases and values before any of it is built, no custom tags, no duplicate keys, one document.
 * `__proto__` is refused, so the data can be merged and copied without care.
 */
export interface ConfigDocument {
  readonly file: string;
  /** A plain object; anything else at the root is a problem. */
  readonly data: Record<string, unknown>;
  /** Everything wrong so far, syntax first. The document MUST NOT be used when there is any. */
  readonly problems: readonly ConfigProblem[];
  /** Whether there is data to check further, so that all problems can be reported together; a value with a problem is null. */
  readonly checkable: boolean;
  /** A problem at this path; `at: 'key'` points at the key, otherwise at the value. */
  problem(
    path: ConfigPath,
    message: string,
    options?: { readonly at?: 'key'; readonly suggestion?: string | undefined },
  ): ConfigProblem;
}

/** Limits, far above what a person writes and low enough that the worst file takes a fraction of a second. */
const MAX_TOKENS = 50_000;
const MAX_TEXT = 64 * 1024;
const MAX_DEPTH = 64;
const MAX_VALUES = 20_000;
const MAX_ALIASES = 100;
const MAX_PROBLEMS = 50;
/** A merge key of YAML 1.1, which 1.2 does not have: as a plain key it would set nothing, in silence. */
const MERGE_REFUSED =
  'merge keys (<<) are not supported: write the keys out, or use an alias for the whole section (`key: *name`)';
const CORE_TAG = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/;

/**
 * Parses text. `variables` resolve `${NAME}` in values; undefined leaves them as they stand. `numbers: 'exact'`: a number
 * that would be written differently (`1.50`, `007`, `9007199254740993`) stays the text it is, and loses nothing.
 * Never throws for anything that is in the text.
 */
export function parseConfigDocument(
  text: string,
  file: string,
  variables: Variables | undefined,
  numbers: 'read' | 'exact' = 'read',
): ConfigDocument {
  const builder = new Builder(file, variables, numbers === 'exact');
  return builder.build(text);
}

class Builder {
  readonly #file: string;
  readonly #variables: Variables | undefined;
  readonly #hasExactNumbers: boolean;
  readonly #lines = new LineCounter();
  readonly #problems: ConfigProblem[] = [];
  /** Offsets of values and keys by formatted path. */
  readonly #values = new Map<string, number>();
  readonly #keys = new Map<string, number>();
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #valueCount = 0;
  #aliasCount = 0;

  constructor(file: string, variables: Variables | undefined, hasExactNumbers: boolean) {
    this.#file = file;
    this.#variables = variables;
    this.#hasExactNumbers = hasExactNumbers;
  }

  build(text: string): ConfigDocument {
    let data: Record<string, unknown> = {};
    let checkable = false;
    try {
      const built = this.#root(text);
      if (built !== undefined) [data, checkable] = [built, true];
    } catch (thrown) {
      if (!(thrown instanceof TooMuch)) throw thrown;
      this.#add(thrown.offset, thrown.path, thrown.message);
    }
    return {
      file: this.#file,
      data,
      checkable,
      problems: this.#problems,
      problem: (path, message, options) => {
        const offset = this.#offsetOf(path, options?.at === 'key');
        return this.#problemAt(offset, path, message, options?.suggestion);
      },
    };
  }

  #root(text: string): Record<string, unknown> | undefined {
    this.#lines.addNewLine(0);
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1))
      this.#lines.addNewLine(at + 1);
    if (text.trim() === '') {
      this.#add(0, [], 'the file is empty: write the configuration or delete the file');
      return undefined;
    }
    checkTokens(text);
    const document = parseDocument<ParsedNode>(text, {
      prettyErrors: false,
      uniqueKeys: false,
      schema: 'core',
      version: '1.2',
    });
    for (const error of [...document.errors, ...document.warnings].slice(0, MAX_PROBLEMS)) {
      const multiple = error.code === 'MULTIPLE_DOCS';
      this.#add(
        error.pos[0],
        [],
        multiple
          ? 'a second document begins here: one file holds one document'
          : `not valid YAML: ${error.message}`,
      );
    }
    if (this.#problems.length > 0) return undefined;
    const root = document.contents;
    // A file of comments only says "all defaults".
    if (root === null || (isScalar(root) && root.value === null && root.source === '')) return {};
    if (!isMap(root)) {
      this.#add(
        root.range[0],
        [],
        `the file must hold keys and values (\`key: value\`), not ${isSeq(root) ? 'a list' : 'a single value'}`,
      );
      return undefined;
    }
    const data = this.#convert(root, [], 0);
    return typeof data === 'object' && data !== null && !Array.isArray(data)
      ? (data as Record<string, unknown>)
      : {};
  }

  /** Node to plain data; the recursion is bounded by MAX_DEPTH. */
  #convert(node: Node | null, path: ConfigPath, depth: number): unknown {
    if (node === null) return null;
    const offset = node.range?.[0] ?? 0;
    if (++this.#valueCount > MAX_VALUES) throw new TooMuch(offset, path, `more than ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) throw new TooMuch(offset, path, `nested deeper than ${MAX_DEPTH} levels`);
    this.#values.set(formatPath(path), offset);
    if (isAlias(node)) return this.#followAlias(node.source, offset, path, depth);
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return null;
    if (node.tag !== undefined && !CORE_TAG.test(node.tag)) {
      this.#add(
        offset,
        path,
        `the tag ${JSON.stringify(node.tag.slice(0, 80))} is not allowed: write plain values`,
      );
      return null;
    }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return this.#scalar(this.#exact(node), offset, path);
    this.#open.add(node);
    try {
      if (isSeq(node)) {
        return node.items.map((item, index) => this.#convert(asNode(item), [...path, index], depth + 1));
      }
      return this.#map(node.items, path, depth);
    } finally {
      this.#open.delete(node);
    }
  }

  #map(
    pairs: readonly { key: unknown; value: unknown }[],
    path: ConfigPath,
    depth: number,
  ): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const pair of pairs) {
      const key = pair.key;
      const offset = asNode(key)?.range?.[0] ?? 0;
      if (!isScalar(key) || typeof key.value === 'object') {
        this.#add(offset, path, 'a key must be a single word, not a list, a section, an alias or nothing');
        continue;
      }
      // As it was written: 0x10 and 16 are different keys, as are yes and true.
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
      const childPath = [...path, name];
      if (name === '<<' && key.type === 'PLAIN') {
        this.#add(offset, childPath, MERGE_REFUSED);
      } else if (name === '__proto__') {
        this.#add(offset, childPath, 'this name is not allowed as a key');
      } else if (Object.hasOwn(result, name)) {
        this.#add(
          offset,
          childPath,
          `the key ${JSON.stringify(name.slice(0, 80))} is there twice: remove one of the two`,
        );
      } else {
        this.#keys.set(formatPath(childPath), offset);
        result[name] = this.#convert(asNode(pair.value), childPath, depth + 1);
      }
    }
    return result;
  }

  #followAlias(name: string, offset: number, path: ConfigPath, depth: number): unknown {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      this.#add(
        offset,
        path,
        `*${name.slice(0, 80)} names no anchor above it; text that begins with * needs quotes`,
      );
      return null;
    }
    if (this.#open.has(target)) throw new TooMuch(offset, path, `*${name.slice(0, 80)} contains itself`);
    if (++this.#aliasCount > MAX_ALIASES) throw new TooMuch(offset, path, `more than ${MAX_ALIASES} aliases`);
    return this.#convert(target, path, depth + 1);
  }

  #exact({ value, source }: Scalar): unknown {
    const isAsWritten = typeof value !== 'number' || !this.#hasExactNumbers || String(value) === source;
    return isAsWritten ? value : source;
  }

  #scalar(value: unknown, offset: number, path: ConfigPath): unknown {
    if (typeof value !== 'string' || this.#variables === undefined) return value;
    const result = interpolate(value, this.#variables);
    if (result.ok) return result.value;
    this.#add(offset, path, result.message, result.suggestion);
    return null;
  }

  #offsetOf(path: ConfigPath, key: boolean): number | undefined {
    for (let length = path.length; length >= 0; length--) {
      const text = formatPath(path.slice(0, length));
      const found =
        (key || !this.#values.has(text) ? this.#keys.get(text) : undefined) ?? this.#values.get(text);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #add(offset: number, path: ConfigPath, message: string, suggestion?: string): void {
    if (this.#problems.length < MAX_PROBLEMS)
      this.#problems.push(this.#problemAt(offset, path, message, suggestion));
  }

  #problemAt(
    offset: number | undefined,
    path: ConfigPath,
    message: string,
    suggestion: string | undefined,
  ): ConfigProblem {
    const place = offset === undefined ? undefined : this.#lines.linePos(offset);
    return {
      file: this.#file,
      line: place?.line,
      column: place?.col,
      path: formatPath(path),
      message,
      suggestion,
    };
  }
}

/** Ends the conversion at once: going on would be what the file wants. */
class TooMuch extends Error {
  readonly offset: number;
  readonly path: ConfigPath;

  constructor(offset: number, path: ConfigPath, message: string) {
    super(message);
    this.offset = offset;
    this.path = path;
  }
}

/**
 * The lexer is linear and needs no stack; parser and composer are not. So what would hurt them is found here, before
 * they see it: too many tokens, too long a text, too deep a nesting in flow style or by `- - -` in one line.
 */
function checkTokens(text: string): void {
  let offset = 0;
  let tokens = 0;
  let flowDepth = 0;
  let lineDepth = 0;
  for (const token of new Lexer().lex(text)) {
    // Four single control characters are marks of the lexer, not text of the file.
    const isMark = token === '\u0002' || token === '\u0018' || token === '\u001f' || token === '\ufeff';
    if (++tokens > MAX_TOKENS) throw new TooMuch(offset, [], `more than ${MAX_TOKENS} words and signs`);
    if (token.length > MAX_TEXT) throw new TooMuch(offset, [], `a text longer than ${MAX_TEXT} characters`);
    if (token === '[' || token === '{') flowDepth++;
    else if (token === ']' || token === '}') flowDepth = Math.max(0, flowDepth - 1);
    else if (flowDepth === 0 && (token === '-' || token === '?' || token === ':')) lineDepth++;
    else if (token.startsWith('\n') || token.startsWith('\r')) lineDepth = 0;
    if (flowDepth > MAX_DEPTH || lineDepth > MAX_DEPTH) {
      throw new TooMuch(offset, [], `nested deeper than ${MAX_DEPTH} levels`);
    }
    if (!isMark) offset += token.length;
  }
}

function asNode(value: unknown): Node | null {
  return isAlias(value) || isMap(value) || isSeq(value) || isScalar(value) ? value : null;
}
