import { depthOf } from '../runtime/path-within.js';
/**
 * Immutable lookup from a canonical path to the context that answers for it. The longest context path that ends at a
 * segment border wins; ROOT (path `''`) takes what is left. A changed mapping is a new Mapper; requests read whichever
 * one is current when they arrive.
 *
 * The cost of a lookup depends on how deep contexts lie below the first segment of the path, never on how many
 * contexts there are.
 */
export class Mapper<C extends { readonly path: string }> {
  readonly #root: C | undefined;
  readonly #branches = new Map<string, Branch<C>>();
  readonly #deep = new Map<string, C>();

  /** `contexts` have distinct canonical paths: `''`, `/shop`, `/shop/admin`. Of two with one path the last wins. */
  constructor(contexts: Iterable<C>) {
    let root: C | undefined;
    for (const context of contexts) {
      const { path } = context;
      if (path === '') {
        root = context;
        continue;
      }
      const border = path.indexOf('/', 1);
      const first = border < 0 ? path : path.slice(0, border);
      let branch = this.#branches.get(first);
      if (branch === undefined) {
        branch = { context: undefined, depth: 1 };
        this.#branches.set(first, branch);
      }
      if (border < 0) branch.context = context;
      else {
        this.#deep.set(path, context);
        branch.depth = Math.max(branch.depth, depthOf(path));
      }
    }
    this.#root = root;
  }

  /** The context that answers for `path`; undefined when none does and there is no ROOT. */
  find(path: string): C | undefined {
    return this.#find(path.includes(';') ? withoutParameters(path) : path);
  }

  #find(path: string): C | undefined {
    let border = path.indexOf('/', 1);
    const branch = this.#branches.get(border < 0 ? path : path.slice(0, border));
    if (branch === undefined) return this.#root;
    let found = branch.context;
    for (let depth = 2; depth <= branch.depth && border >= 0; depth++) {
      border = path.indexOf('/', border + 1);
      found = this.#deep.get(border < 0 ? path : path.slice(0, border)) ?? found;
    }
    return found ?? this.#root;
  }
}

/** Everything below one first segment. */
interface Branch<C> {
  /** The context whose path is the first segment alone. */
  context: C | undefined;
  /** Segments of the longest context path that begins with this segment. */
  depth: number;
}

function withoutParameters(path: string): string {
  return path.replace(/;[^/]*/g, '');
}
