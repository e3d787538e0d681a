import { MissingRequestParameterError } from './http-errors.js';

/** Names with one or more values each, in the order they came: query, path and form parameters. Immutable. */
export class Parameters implements Iterable<readonly [string, readonly string[]]> {
  static readonly EMPTY = new Parameters(new Map());

  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** First value; `''` for a name that was sent without `=`; undefined when the name is not there. */
  get(name: string): string | undefined {
    const values = this.#values.get(name);
    return values === undefined ? undefined : (values[0] ?? '');
  }

  /** All values; undefined when the name is not there, empty when it was sent without `=`. */
  getAll(name: string): readonly string[] | undefined {
    return this.#values.get(name);
  }

  /** First value; `PORTICO_PARAMETER_MISSING` (400) when the name is not there. */
  require(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw new MissingRequestParameterError(name);
    return value;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  get names(): readonly string[] {
    return [...this.#values.keys()];
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  [Symbol.iterator](): IterableIterator<[string, readonly string[]]> {
    return this.#values.entries() as IterableIterator<[string, readonly string[]]>;
  }

  /** These values, and values of `other` that are not among them. */
  withMissing(other: Parameters): Parameters {
    if (other.isEmpty) return this;
    const merged = new Map<string, string[]>();
    for (const [name, values] of this) merged.set(name, [...values]);
    for (const [name, values] of other) {
      const present = merged.get(name);
      if (present === undefined) merged.set(name, [...values]);
      else for (const value of values) if (!present.includes(value)) present.push(value);
    }
    return new Parameters(merged);
  }

  /** First values as a plain object without prototype. */
  toObject(): Record<string, string> {
    const object: Record<string, string> = Object.create(null);
    for (const name of this.#values.keys()) object[name] = this.get(name) ?? '';
    return object;
  }
}
