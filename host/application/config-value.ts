import { PorticoError } from '../errors.js';
import { parseDuration, parseSize, UnitError } from '../units.js';

/** What a value is: one thing, a list, a section, or nothing. */
export type ConfigValueType = 'NULL' | 'SINGLE' | 'LIST' | 'OBJECT';

/**
 * One value of the configuration. A getter that does not fit throws `PORTICO_PROPERTY_TYPE` with the path, the value,
 * what is needed, and the file and line where known.
 */
export interface ApplicationConfigValue {
  /** As it was read: string, number, boolean, array or object. */
  readonly value: unknown;
  readonly type: ConfigValueType;
  /** Where it was written: `application.yaml:3`, `command line`; undefined when nobody said. */
  readonly origin: string | undefined;
  /** The single value as text. */
  getString(): string;
  /** The elements of a list as text. A section whose keys are all numbers counts as a list. */
  getList(): readonly string[];
  /** A section as plain data; all single values in it are text. */
  getMap(): Readonly<Record<string, unknown>>;
  /** A number, also when written as text. */
  getNumber(): number;
  /** `true` or `false`, also when written as text. */
  getBoolean(): boolean;
  /** Milliseconds of a duration written with its unit, `500ms`, `30s`, `2m`, `1h`. */
  getDurationMs(): number;
  /** Bytes of a size written with its unit, `512B`, `64KiB`, `10MiB`, `1GiB`. */
  getBytes(): number;
}

/** A value with the path and the origin that its errors name. For configurations. */
export class ConfigValue implements ApplicationConfigValue {
  readonly value: unknown;
  readonly origin: string | undefined;
  readonly #path: string;

  constructor(value: unknown, path: string, origin: string | undefined) {
    this.value = value;
    this.origin = origin;
    this.#path = path;
  }

  get type(): ConfigValueType {
    if (this.value === null || this.value === undefined) return 'NULL';
    if (Array.isArray(this.value)) return 'LIST';
    return typeof this.value === 'object' ? 'OBJECT' : 'SINGLE';
  }

  getString(): string {
    return this.#text(this.value);
  }

  getList(): readonly string[] {
    const list = asList(this.value);
    if (list === undefined) throw this.#wrong('a list is needed');
    return list.map((one) => this.#text(one));
  }

  getMap(): Readonly<Record<string, unknown>> {
    if (!isSection(this.value)) throw this.#wrong('a section with keys and values is needed');
    return asText(this.value) as Record<string, unknown>;
  }

  getNumber(): number {
    const text = this.#text(this.value).trim();
    const number = Number(text);
    if (text === '' || !Number.isFinite(number)) throw this.#wrong('a number is needed');
    return number;
  }

  getBoolean(): boolean {
    const text = this.#text(this.value);
    if (text !== 'true' && text !== 'false') throw this.#wrong('true or false is needed');
    return text === 'true';
  }

  getDurationMs(): number {
    return this.#withUnit(parseDuration);
  }

  getBytes(): number {
    return this.#withUnit(parseSize);
  }

  #withUnit(parse: (value: unknown) => number): number {
    try {
      return parse(this.value);
    } catch (error) {
      if (!(error instanceof UnitError)) throw error;
      const hint = error.suggestion === undefined ? '' : ` (did you mean "${error.suggestion}"?)`;
      throw this.#error(`Property ${this.#path}: ${error.message}${hint}`, error);
    }
  }

  #text(value: unknown): string {
    if (value === null || value === undefined || typeof value === 'object' || typeof value === 'function')
      throw this.#wrong('a single value is needed');
    return String(value);
  }

  #wrong(wanted: string): PorticoError {
    const shown = String(JSON.stringify(this.value));
    return this.#error(
      `Property ${this.#path} is ${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}, but ${wanted}`,
      undefined,
    );
  }

  #error(message: string, cause: unknown): PorticoError {
    const place = this.origin === undefined ? '' : ` (${this.origin})`;
    return new PorticoError('PORTICO_PROPERTY_TYPE', `${message}${place}.`, { cause });
  }
}

/** An array, or the values of a section whose keys are all numbers, in their order. */
export function asList(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (!isSection(value)) return undefined;
  const keys = Object.keys(value);
  if (keys.length === 0 || !keys.every((key) => /^(?:0|[1-9]\d{0,8})$/.test(key))) return undefined;
  return keys.sort((a, b) => Number(a) - Number(b)).map((key) => value[key]);
}

/** True for what a map of YAML or JSON becomes. */
export function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy in which every single value is text, and what is null is left out of sections. */
export function asText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asText);
  if (!isSection(value)) return value === null || value === undefined ? null : String(value);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      item === null || item === undefined ? [] : [[key, asText(item)]],
    ),
  );
}
