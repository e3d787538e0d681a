import type { Fields } from '../http/field-block.js';
import { lowerCaseName } from '../http/lower-case.js';

/**
 * The header fields of a request by name, without regard to case. Of a block of bytes a string is made only for what is
 * asked for; of texts (`name, value, …`) no block is made.
 */
export class RequestHeaders {
  readonly #fields: Fields;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  /** First value. */
  get(name: string): string | undefined {
    const fields = this.#fields;
    const lower = lowerCaseName(name);
    if ('offsets' in fields) return fields.get(lower);
    const index = indexOf(fields, lower, 0);
    return index < 0 ? undefined : fields[index + 1];
  }

  /** Values of all lines of this name, in the order received. */
  getAll(name: string): readonly string[] {
    const fields = this.#fields;
    const lower = lowerCaseName(name);
    if ('offsets' in fields) return fields.all(lower);
    const values: string[] = [];
    for (let i = indexOf(fields, lower, 0); i >= 0; i = indexOf(fields, lower, i + 2))
      values.push(fields[i + 1] as string);
    return values;
  }

  has(name: string): boolean {
    const fields = this.#fields;
    const lower = lowerCaseName(name);
    return 'offsets' in fields ? fields.has(lower) : indexOf(fields, lower, 0) >= 0;
  }

  /** Names as they were sent, each once for a line. */
  get names(): readonly string[] {
    return this.toFlat().filter((_, index) => index % 2 === 0);
  }

  /** `[name, value, name, value, …]`. */
  toFlat(): readonly string[] {
    const fields = this.#fields;
    return 'offsets' in fields ? fields.flat() : [...fields];
  }
}

/** Place of the next name at or behind `from`, or -1. */
function indexOf(flat: readonly string[], lower: string, from: number): number {
  for (let i = from; i + 1 < flat.length; i += 2) {
    const name = flat[i] as string;
    if (name.length === lower.length && (name === lower || lowerCaseName(name) === lower)) return i;
  }
  return -1;
}
