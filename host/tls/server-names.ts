/** What is kept under names of hosts: `shop.example`, and `*.shop.example` for all names with exactly one label more. */
export class ServerNames<T> {
  readonly #exact = new Map<string, T>();
  /** By what follows the star: `.shop.example`. */
  readonly #wildcards = new Map<string, T>();

  /** False, and nothing has changed, when the name is taken. `name` in lower case. */
  add(name: string, value: T): boolean {
    const [names, key] = name.startsWith('*.')
      ? ([this.#wildcards, name.slice(1)] as const)
      : ([this.#exact, name] as const);
    if (names.has(key)) return false;
    names.set(key, value);
    return true;
  }

  /** The name itself before a wildcard (RFC 9525 §6.3: a star stands for one whole label, the first). In lower case. */
  find(name: string): T | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined || this.#wildcards.size === 0) return exact;
    const dot = name.indexOf('.');
    return dot <= 0 ? undefined : this.#wildcards.get(name.slice(dot));
  }
}
