import { PorticoError } from '../errors.js';
import { type ApplicationConfigValue, asList, asText, ConfigValue, isSection } from './config-value.js';

/**
 * The settings an application was started with, addressed by dotted paths: `portico.deployment.port`. A path matches
 * whole segments; an explicit null counts as nothing. `ktor` is another name of the section `portico`: both are one,
 * whichever was written, and `keys` and `toMap` say `portico`. Read-only, except `MapApplicationConfig`.
 */
export interface ApplicationConfig {
  /** `PORTICO_PROPERTY_MISSING` when there is no such property. */
  property(path: string): ApplicationConfigValue;
  propertyOrNull(path: string): ApplicationConfigValue | undefined;
  /** The part below `path`; empty when there is none. */
  config(path: string): ApplicationConfig;
  /** One configuration for each element of a list of sections; `PORTICO_PROPERTY_MISSING` when there is none. */
  configList(path: string): readonly ApplicationConfig[];
  /** Paths of all values, sections resolved into their keys; a list counts once. */
  keys(): readonly string[];
  /** The whole as plain data; all single values are text. */
  toMap(): Readonly<Record<string, unknown>>;
  /** This one, overridden by `other`: sections merge, values and lists are replaced as a whole. */
  mergeWith(other: ApplicationConfig): ApplicationConfig;
  /** This one; what it does not have is taken from `other`. */
  withFallback(other: ApplicationConfig): ApplicationConfig;
}

/** What every configuration has in common; a subclass says how a value is found. */
export abstract class BaseConfig implements ApplicationConfig {
  abstract propertyOrNull(path: string): ApplicationConfigValue | undefined;
  abstract config(path: string): ApplicationConfig;
  abstract configList(path: string): readonly ApplicationConfig[];
  abstract toMap(): Readonly<Record<string, unknown>>;
  /** Path of this part in the whole, with a dot at its end; `''` for the whole. */
  protected abstract readonly prefix: string;

  property(path: string): ApplicationConfigValue {
    const value = this.propertyOrNull(path);
    if (value === undefined) throw this.missing(path);
    return value;
  }

  keys(): readonly string[] {
    return leaves(this.toMap(), '');
  }

  mergeWith(other: ApplicationConfig): ApplicationConfig {
    return mergedConfig(other, this);
  }

  withFallback(other: ApplicationConfig): ApplicationConfig {
    return mergedConfig(this, other);
  }

  protected missing(path: string): PorticoError {
    return new PorticoError('PORTICO_PROPERTY_MISSING', `Property ${this.prefix}${path} not found.`);
  }
}

/** Where values were written, by their dotted path from the root: `{ 'portico.deployment.port': 'application.yaml:3' }`. */
export type ConfigOrigins = Readonly<Record<string, string>>;

/** Configuration over plain nested objects, or a part of it. */
class TreeConfig extends BaseConfig {
  protected override readonly prefix: string;
  readonly #root: unknown;
  readonly #origins: ConfigOrigins;

  constructor(root: unknown, origins: ConfigOrigins, prefix: string) {
    super();
    this.#root = root;
    this.#origins = origins;
    this.prefix = prefix;
  }

  override propertyOrNull(path: string): ApplicationConfigValue | undefined {
    const own = this.#ownPath(path);
    const value = valueAt(this.#root, own);
    if (value === undefined || value === null) return undefined;
    return new ConfigValue(value, this.prefix + path, this.#originOf(this.prefix + own));
  }

  override config(path: string): ApplicationConfig {
    const own = this.#ownPath(path);
    return new TreeConfig(valueAt(this.#root, own), this.#origins, `${this.prefix}${own}.`);
  }

  override configList(path: string): readonly ApplicationConfig[] {
    const own = this.#ownPath(path);
    const list = asList(valueAt(this.#root, own));
    if (list === undefined) throw this.missing(path);
    return list.map((item, index) => new TreeConfig(item, this.#origins, `${this.prefix}${own}.${index}.`));
  }

  override toMap(): Readonly<Record<string, unknown>> {
    return isSection(this.#root) ? (asText(this.#root) as Record<string, unknown>) : {};
  }

  #ownPath(path: string): string {
    return this.prefix === '' ? porticoPath(path) : path;
  }

  #originOf(path: string): string | undefined {
    for (const candidate of [path, path.replace(/^portico(?=\.|$)/, 'ktor')])
      if (Object.hasOwn(this.#origins, candidate)) return this.#origins[candidate];
    return undefined;
  }
}

/** Configuration over plain nested objects, such as a parsed YAML file. */
export class ObjectConfig extends TreeConfig {
  constructor(root: unknown, origins: ConfigOrigins = {}) {
    super(withOneSection(root), origins, '');
  }
}

/** Two configurations as one; what is in both comes from the winner. Sees what is put into them later. */
class MergedConfig extends BaseConfig {
  protected override readonly prefix: string;
  readonly #winner: ApplicationConfig;
  readonly #loser: ApplicationConfig;

  constructor(winner: ApplicationConfig, loser: ApplicationConfig, prefix: string) {
    super();
    this.#winner = winner;
    this.#loser = loser;
    this.prefix = prefix;
  }

  override propertyOrNull(path: string): ApplicationConfigValue | undefined {
    const value = this.#winner.propertyOrNull(path);
    if (value === undefined) return this.#loser.propertyOrNull(path);
    if (value.type !== 'OBJECT') return value;
    const below = this.#loser.propertyOrNull(path);
    if (below?.type !== 'OBJECT') return value;
    return new ConfigValue(overlay(below.value, value.value), this.prefix + path, value.origin);
  }

  override config(path: string): ApplicationConfig {
    return mergedConfig(this.#winner.config(path), this.#loser.config(path), `${this.prefix}${path}.`);
  }

  /** The elements of both, the winner's first. */
  override configList(path: string): readonly ApplicationConfig[] {
    const lists = [this.#winner, this.#loser].filter((config) => config.propertyOrNull(path) !== undefined);
    if (lists.length === 0) throw this.missing(path);
    return lists.flatMap((config) => config.configList(path));
  }

  override toMap(): Readonly<Record<string, unknown>> {
    return overlay(this.#loser.toMap(), this.#winner.toMap()) as Record<string, unknown>;
  }
}

/** `ktor.x` is `portico.x`. */
export function porticoPath(path: string): string {
  return path === 'ktor' || path.startsWith('ktor.') ? `portico${path.slice(4)}` : path;
}

/** When one side is empty, the other one is the result. */
function mergedConfig(winner: ApplicationConfig, loser: ApplicationConfig, prefix = ''): ApplicationConfig {
  if (loser.keys().length === 0) return winner;
  return winner.keys().length === 0 ? loser : new MergedConfig(winner, loser, prefix);
}

/** The same data with one section `portico`; where both names were written, `portico` wins key by key. */
function withOneSection(root: unknown): unknown {
  if (!isSection(root) || !Object.hasOwn(root, 'ktor')) return root;
  const { ktor, portico, ...rest } = root;
  return { ...rest, portico: portico === undefined ? ktor : overlay(ktor, portico) };
}

/** `over` laid over `under`: sections merge, everything else is replaced as a whole; null replaces nothing. */
function overlay(under: unknown, over: unknown): unknown {
  if (!isSection(under) || !isSection(over)) return over ?? under;
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    result[key] = Object.hasOwn(under, key) ? overlay(under[key], value) : value;
  }
  return result;
}

/** The value at a dotted path; elements of lists by their number. */
function valueAt(root: unknown, path: string): unknown {
  let value = root;
  for (const segment of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    if (Array.isArray(value) && !/^\d+$/.test(segment)) return undefined;
    value = (value as Record<string, unknown>)[segment];
  }
  return value;
}

function leaves(section: Readonly<Record<string, unknown>>, prefix: string): string[] {
  return Object.entries(section).flatMap(([key, value]) =>
    isSection(value) ? leaves(value, `${prefix}${key}.`) : [prefix + key],
  );
}
