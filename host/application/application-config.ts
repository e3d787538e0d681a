import { PorticoError } from '../errors.js';

/** The settings an application was started with, addressed by dotted paths: `portico.deployment.port`. */
export interface ApplicationConfig {
  /** `PORTICO_PROPERTY_MISSING` when there is no such property; an explicit null counts as none. */
  property(path: string): ApplicationConfigValue;
  propertyOrNull(path: string): ApplicationConfigValue | undefined;
  /** The part below `path`; empty when there is none. */
  config(path: string): ApplicationConfig;
}

/** One value of the configuration. */
export interface ApplicationConfigValue {
  /** As it was read: string, number, boolean, array or object. */
  readonly value: unknown;
  /** The scalar as text; `PORTICO_PROPERTY_TYPE` for lists and objects. */
  getString(): string;
  /** The elements as text; `PORTICO_PROPERTY_TYPE` for what is no list. */
  getList(): readonly string[];
}

/** Configuration over plain nested objects, such as a parsed YAML file. */
export class ObjectConfig implements ApplicationConfig {
  readonly #root: unknown;
  readonly #prefix: string;

  constructor(root: unknown, prefix = '') {
    this.#root = root;
    this.#prefix = prefix;
  }

  property(path: string): ApplicationConfigValue {
    const value = this.propertyOrNull(path);
    if (value === undefined)
      throw new PorticoError('PORTICO_PROPERTY_MISSING', `Property ${this.#prefix}${path} not found.`);
    return value;
  }

  propertyOrNull(path: string): ApplicationConfigValue | undefined {
    const value = descend(this.#root, path);
    return value === undefined || value === null ? undefined : new ObjectValue(value, this.#prefix + path);
  }

  config(path: string): ApplicationConfig {
    return new ObjectConfig(descend(this.#root, path), `${this.#prefix}${path}.`);
  }
}

class ObjectValue implements ApplicationConfigValue {
  readonly value: unknown;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.#path = path;
  }

  getString(): string {
    return this.#scalar(this.value);
  }

  getList(): readonly string[] {
    if (!Array.isArray(this.value)) throw this.#wrongType('a list');
    return this.value.map((one) => this.#scalar(one));
  }

  #scalar(value: unknown): string {
    if (typeof value === 'object' || typeof value === 'function') throw this.#wrongType('a single value');
    return String(value);
  }

  #wrongType(wanted: string): PorticoError {
    return new PorticoError(
      'PORTICO_PROPERTY_TYPE',
      `Property ${this.#path} is ${JSON.stringify(this.value)}, but ${wanted} is needed.`,
    );
  }
}

function descend(root: unknown, path: string): unknown {
  let value = root;
  for (const segment of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<string, unknown>)[segment];
  }
  return value;
}
