import { setTimeout as sleep } from 'node:timers/promises';
import { PorticoError } from '../../errors.js';

/** One deployed name, as far as others depend on it. */
export interface DependencyNode {
  /** Base name without version: `shop` of `shop##2`. */
  readonly application: string;
  readonly dependsOn: readonly string[];
  /** `up`: it answers, or will at its first request. `coming`: it starts. `down`: it failed, or is not to start. */
  readonly state: 'up' | 'coming' | 'down';
}

/** What is to be done about the start of an application. */
export type DependencyVerdict =
  /** `down`: names that are not up, and for which it does not wait. */
  | { readonly kind: 'go'; readonly down: readonly string[] }
  /** For these, which are coming. */
  | { readonly kind: 'wait'; readonly for: readonly string[] }
  | { readonly kind: 'missing'; readonly names: readonly string[] }
  /** Begins and ends with the same name. */
  | { readonly kind: 'cycle'; readonly path: readonly string[] };

/**
 * Whether an application with these dependencies may start now. A name stands for a version of that full name, or for
 * all versions of that application: it is up when one of them is. What has failed is not waited for: the failure of one
 * never keeps another from starting.
 */
export function judgeDependencies(
  name: string,
  dependsOn: readonly string[],
  nodes: ReadonlyMap<string, DependencyNode>,
): DependencyVerdict {
  const missing = dependsOn.filter((dependency) => matching(dependency, nodes).length === 0);
  if (missing.length > 0) return { kind: 'missing', names: missing };
  const path = cycleOf(name, dependsOn, nodes);
  if (path !== undefined) return { kind: 'cycle', path };
  const states = dependsOn.map((dependency) => {
    const found = matching(dependency, nodes).map((one) => nodes.get(one)?.state);
    return found.includes('up') ? 'up' : found.includes('coming') ? 'coming' : 'down';
  });
  const waiting = dependsOn.filter((_, index) => states[index] === 'coming');
  if (waiting.length > 0) return { kind: 'wait', for: waiting };
  return { kind: 'go', down: dependsOn.filter((_, index) => states[index] === 'down') };
}

/** Names that a dependency stands for. */
function matching(dependency: string, nodes: ReadonlyMap<string, DependencyNode>): string[] {
  if (nodes.has(dependency)) return [dependency];
  return [...nodes].filter(([, { application }]) => application === dependency).map(([name]) => name);
}

/** The shortest way from a name back to itself. */
function cycleOf(
  name: string,
  dependsOn: readonly string[],
  nodes: ReadonlyMap<string, DependencyNode>,
): readonly string[] | undefined {
  const seen = new Set<string>();
  let ways: (readonly string[])[] = [[name]];
  while (ways.length > 0) {
    const next: (readonly string[])[] = [];
    for (const way of ways) {
      const last = way.at(-1) ?? name;
      const further = last === name && way.length === 1 ? dependsOn : (nodes.get(last)?.dependsOn ?? []);
      for (const one of further.flatMap((dependency) => matching(dependency, nodes))) {
        if (one === name) return [...way, name];
        if (seen.has(one)) continue;
        seen.add(one);
        next.push([...way, one]);
      }
    }
    ways = next;
  }
  return undefined;
}

/** A start waits for others no longer than this; then it goes on without them. */
const MAX_WAIT_MS = 120_000;

/** Lets applications start in the order of their dependencies. Owned by the deployer, who says when something changes. */
export class Dependencies {
  readonly #nodes: () => ReadonlyMap<string, DependencyNode>;
  readonly #retry: (name: string) => void;
  /** Those that wait for a change. */
  readonly #waiting = new Set<() => void>();
  /** Those that failed for their dependencies alone, and what these were. */
  readonly #failed = new Map<string, readonly string[]>();
  #isLooking = false;

  /** `retry` is called for an application that failed for its dependencies, when these are in order. */
  constructor(nodes: () => ReadonlyMap<string, DependencyNode>, retry: (name: string) => void) {
    this.#nodes = nodes;
    this.#retry = retry;
  }

  /**
   * Resolves when the application may start, with the names that are not up. Throws `PORTICO_DEPENDENCY_UNKNOWN`,
   * `PORTICO_DEPENDENCY_CYCLE`, or the reason of `signal`.
   */
  async ready(name: string, dependsOn: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    this.#failed.delete(name);
    if (dependsOn.length === 0) return [];
    const until = performance.now() + MAX_WAIT_MS;
    for (;;) {
      signal.throwIfAborted();
      const verdict = judgeDependencies(name, dependsOn, this.#nodes());
      if (verdict.kind === 'go') return verdict.down;
      if (verdict.kind !== 'wait') {
        this.#failed.set(name, dependsOn);
        throw problemOf(name, verdict);
      }
      const leftMs = until - performance.now();
      if (leftMs <= 0) return verdict.for;
      await this.#change(leftMs, signal);
    }
  }

  /** The state of an application has changed, or one has come or gone. */
  changed(): void {
    if (this.#isLooking || (this.#waiting.size === 0 && this.#failed.size === 0)) return;
    this.#isLooking = true;
    // What changes in one turn is looked at once, when the turn is over.
    setImmediate(() => {
      this.#isLooking = false;
      for (const wake of [...this.#waiting]) wake();
      if (this.#failed.size === 0) return;
      const nodes = this.#nodes();
      for (const [name, dependsOn] of [...this.#failed]) {
        if (!nodes.has(name)) this.#failed.delete(name);
        const { kind } = judgeDependencies(name, dependsOn, nodes);
        if (!this.#failed.has(name) || kind === 'missing' || kind === 'cycle') continue;
        this.#failed.delete(name);
        this.#retry(name);
      }
    });
  }

  async #change(leftMs: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const wake = (): void => over.abort();
    this.#waiting.add(wake);
    try {
      await sleep(leftMs, undefined, { signal: AbortSignal.any([signal, over.signal]) });
    } catch (error) {
      signal.throwIfAborted();
      if (!over.signal.aborted) throw error;
    } finally {
      this.#waiting.delete(wake);
    }
  }
}

function problemOf(
  name: string,
  verdict: Extract<DependencyVerdict, { kind: 'missing' | 'cycle' }>,
): PorticoError {
  if (verdict.kind === 'missing') {
    const names = verdict.names.join(', ');
    return new PorticoError(
      'PORTICO_DEPENDENCY_UNKNOWN',
      `it depends on ${names}, and there is no such application; deploy it, or correct dependsOn of ${name}`,
    );
  }
  return new PorticoError(
    'PORTICO_DEPENDENCY_CYCLE',
    `it depends on itself: ${verdict.path.join(' -> ')}; take one of these out of a dependsOn`,
  );
}
