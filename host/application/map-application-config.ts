import { type ApplicationConfig, BaseConfig, ObjectConfig, porticoPath } from './application-config.js';
import { type ApplicationConfigValue, isSection } from './config-value.js';

/**
 * Configuration in memory, flat: `put('portico.deployment.port', '8080')`. A list is written as one, or as
 * `users.size`, `users.0.name`, `users.1.name`. `config` gives a view: what is put into it is in the whole.
 *
 * ```ts
 * const config = new MapApplicationConfig([['portico.deployment.environment', 'test'], ['users.0.name', 'ann']]);
 * config.put('users.1.name', 'bob');
 * ```
 */
export class MapApplicationConfig extends BaseConfig {
  #prefix = '';
  #store: FlatStore;

  /**
   * From pairs of path and value, where `users.0.name` makes a list, or from nested data as a file has it. `origin`
   * is what errors name as the place of the values, such as `command line`.
   */
  constructor(
    entries: Iterable<readonly [path: string, value: string]> | Readonly<Record<string, unknown>> = [],
    origin?: string,
  ) {
    super();
    this.#store = new FlatStore(origin);
    for (const [path, value] of isIterable(entries) ? entries : flatten(entries, ''))
      this.#store.put(porticoPath(path), value);
    this.#store.deriveSizes();
  }

  protected override get prefix(): string {
    return this.#prefix;
  }

  put(path: string, value: string | Iterable<string>): void {
    const full = this.#full(path);
    if (typeof value === 'string') {
      this.#store.put(full, value);
      return;
    }
    const items = [...value];
    this.#store.removeBelow(full);
    this.#store.put(`${full}.size`, String(items.length));
    for (const [index, item] of items.entries()) this.#store.put(`${full}.${index}`, item);
  }

  override propertyOrNull(path: string): ApplicationConfigValue | undefined {
    return this.#store.tree.propertyOrNull(this.#full(path));
  }

  override config(path: string): MapApplicationConfig {
    return this.#view(`${this.#full(path)}.`);
  }

  override configList(path: string): readonly MapApplicationConfig[] {
    const full = this.#full(path);
    const size = this.#store.sizeOf(full);
    if (size === undefined) throw this.missing(`${path}.size`);
    return Array.from({ length: size }, (_, index) => this.#view(`${full}.${index}.`));
  }

  override toMap(): Readonly<Record<string, unknown>> {
    const { tree } = this.#store;
    return (this.#prefix === '' ? tree : tree.config(this.#prefix.slice(0, -1))).toMap();
  }

  #full(path: string): string {
    return this.#prefix === '' ? porticoPath(path) : this.#prefix + path;
  }

  #view(prefix: string): MapApplicationConfig {
    const view = new MapApplicationConfig();
    view.#store = this.#store;
    view.#prefix = prefix;
    return view;
  }
}

/** Most elements of a list; a longer `size` is no size. */
const MAX_SIZE = 10_000;

/** The flat values, and the tree they make, which is built again after a change. */
class FlatStore {
  readonly #values = new Map<string, string>();
  readonly #origin: string | undefined;
  #tree: ApplicationConfig | undefined;

  constructor(origin: string | undefined) {
    this.#origin = origin;
  }

  put(path: string, value: string): void {
    this.#values.set(path, value);
    this.#tree = undefined;
  }

  /** Makes room for another list. */
  removeBelow(path: string): void {
    for (const key of this.#values.keys()) if (key.startsWith(`${path}.`)) this.#values.delete(key);
    this.#tree = undefined;
  }

  /** `users.0.name`, `users.2.name` without `users.size` make a list of three. */
  deriveSizes(): void {
    const sizes = new Map<string, number>();
    for (const path of this.#values.keys()) {
      const keys = path.split('.');
      for (const [at, key] of keys.entries()) {
        if (at === 0 || !/^\d{1,4}$/.test(key)) continue;
        const list = keys.slice(0, at).join('.');
        sizes.set(list, Math.max(sizes.get(list) ?? 0, Number(key) + 1));
      }
    }
    for (const [list, size] of sizes)
      if (!this.#values.has(`${list}.size`)) this.put(`${list}.size`, String(size));
  }

  sizeOf(path: string): number | undefined {
    const text = this.#values.get(`${path}.size`);
    const size = Number(text);
    return text !== undefined && /^\d+$/.test(text) && size <= MAX_SIZE ? size : undefined;
  }

  get tree(): ApplicationConfig {
    this.#tree ??= this.#build();
    return this.#tree;
  }

  #build(): ApplicationConfig {
    const root: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    const origins: Record<string, string> = {};
    for (const [path, value] of this.#values) {
      const keys = path.split('.');
      let section = root;
      for (const key of keys.slice(0, -1)) {
        const below = section[key];
        const next = isSection(below) ? below : (Object.create(null) as Record<string, unknown>);
        section[key] = next;
        section = next;
      }
      const last = keys.at(-1) ?? '';
      // A section wins over a value of the same name.
      if (!isSection(section[last])) section[last] = value;
      if (this.#origin !== undefined) origins[path] = this.#origin;
    }
    return new ObjectConfig(this.#withLists(root, ''), origins);
  }

  #withLists(section: Readonly<Record<string, unknown>>, prefix: string): unknown {
    const size = prefix === '' ? undefined : this.sizeOf(prefix.slice(0, -1));
    const convert = (key: string): unknown => {
      const value = section[key];
      return isSection(value) ? this.#withLists(value, `${prefix}${key}.`) : value;
    };
    const keys = Object.keys(section);
    // A section may have a key `size` without being a list.
    if (size === undefined || !keys.every((key) => key === 'size' || Number(key) < size))
      return Object.fromEntries(keys.map((key) => [key, convert(key)]));
    return Array.from({ length: size }, (_, index) => convert(String(index)) ?? null);
  }
}

function isIterable(
  entries: Iterable<readonly [string, string]> | Readonly<Record<string, unknown>>,
): entries is Iterable<readonly [string, string]> {
  return Symbol.iterator in entries;
}

function flatten(value: unknown, path: string): [string, string][] {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object') return [[path, String(value)]];
  const below = Object.entries(value).flatMap(([key, item]) =>
    flatten(item, path === '' ? key : `${path}.${key}`),
  );
  return Array.isArray(value) ? [[`${path}.size`, String(value.length)], ...below] : below;
}
