import { PorticoError } from '../errors.js';

/**
 * Names a slot of `Attributes` and carries the type of its value. Two keys of one name are the same slot, so that two
 * copies of a library meet in it; names begin with the name of their package or plugin.
 */
export class AttributeKey<T> {
  readonly name: string;
  /** Exists for the compiler only. */
  declare readonly valueType: T;

  /** Blank name: `PORTICO_ATTRIBUTE_NAME`. */
  constructor(name: string) {
    if (name.trim() === '')
      throw new PorticoError('PORTICO_ATTRIBUTE_NAME', 'An attribute key needs a name that is not blank.');
    this.name = name;
  }

  toString(): string {
    return `AttributeKey(${this.name})`;
  }
}

/** Typed values that plugins hang on an application, a call or a route. Costs nothing until the first `put`. */
export class Attributes {
  #values: Map<string, unknown> | undefined;

  /** The value; `PORTICO_ATTRIBUTE_MISSING` when there is none. */
  get<T>(key: AttributeKey<T>): T {
    if (!this.contains(key)) throw missing(key);
    return this.#values?.get(key.name) as T;
  }

  getOrNull<T>(key: AttributeKey<T>): T | undefined {
    return this.#values?.get(key.name) as T | undefined;
  }

  contains(key: AttributeKey<unknown>): boolean {
    return this.#values?.has(key.name) ?? false;
  }

  put<T>(key: AttributeKey<T>, value: T): void {
    this.#values ??= new Map();
    this.#values.set(key.name, value);
  }

  /** Removes the value; nothing happens when there is none. */
  remove(key: AttributeKey<unknown>): void {
    this.#values?.delete(key.name);
  }

  /** Removes and gives the value; `PORTICO_ATTRIBUTE_MISSING` when there is none. */
  take<T>(key: AttributeKey<T>): T {
    const value = this.get(key);
    this.remove(key);
    return value;
  }

  takeOrNull<T>(key: AttributeKey<T>): T | undefined {
    const value = this.getOrNull(key);
    this.remove(key);
    return value;
  }

  /** The value; made by `factory` and kept when there is none. */
  computeIfAbsent<T>(key: AttributeKey<T>, factory: () => T): T {
    if (this.contains(key)) return this.get(key);
    const value = factory();
    this.put(key, value);
    return value;
  }

  /** Names of all slots that have a value, in the order they were first put. */
  get allKeys(): readonly string[] {
    return [...(this.#values?.keys() ?? [])];
  }

  putAll(other: Attributes): void {
    if (other.#values === undefined) return;
    this.#values ??= new Map();
    for (const [name, value] of other.#values) this.#values.set(name, value);
  }
}

function missing(key: AttributeKey<unknown>): PorticoError {
  return new PorticoError(
    'PORTICO_ATTRIBUTE_MISSING',
    `No instance for key ${key}. Put it first, or use getOrNull.`,
  );
}
