import type { AnyPathParameters, ApplicationCall, PathValues } from '../application/application-call.js';
import { Parameters } from '../application/parameters.js';
import { TailcardSelector } from './path-selectors.js';
import { MethodSelector } from './request-selectors.js';
import type { Route } from './route.js';
import { type Match, type Mismatch, Quality, type ResolveSubject } from './route-selector.js';

/** The route that answers a request, and what the path says on the way to it. */
export class ResolvedRoute implements PathValues {
  readonly route: Route;
  /** The matches from the root to the route, one a node. */
  readonly #chain: readonly Step[];

  constructor(route: Route, chain: readonly Step[]) {
    this.route = route;
    this.#chain = chain;
  }

  /** Values of one name are joined in order. */
  all(): Parameters {
    const values = new Map<string, readonly string[]>();
    for (const { match } of this.#chain)
      for (const [name, own] of match.parameters ?? [])
        values.set(name, [...(values.get(name) ?? []), ...own]);
    return values.size === 0 ? Parameters.EMPTY : new Parameters(values);
  }

  first(): AnyPathParameters {
    const first = new ParameterObject() as Record<string, string | readonly string[]>;
    for (const { route, match } of this.#chain) {
      if (match.parameters === undefined) continue;
      for (const [name, own] of match.parameters) {
        if (route.selector instanceof TailcardSelector) first[name] = own;
        else if (first[name] === undefined && own.length > 0) first[name] = own[0] as string;
      }
    }
    return first;
  }
}

/** No route answers. */
export interface UnresolvedRoute {
  readonly route: undefined;
  readonly status: number;
  /** With 405: the methods that are there (RFC 9110 §15.5.6). */
  readonly allowedMethods: readonly string[];
}

interface Step {
  readonly route: Route;
  readonly match: Match;
}

/** No success below a node. */
const NONE = -Number.MAX_VALUE;

/**
 * Finds the best route for one request: depth-first in order of declaration, skipping what cannot be better than what
 * was found. Constants are looked up instead of tried, so the number of siblings does not matter.
 */
export class RouteResolver implements ResolveSubject {
  readonly segments: readonly string[];
  readonly call: ApplicationCall;
  readonly ignoresTrailingSlash: boolean;
  readonly #trail: Step[] = [];
  #best: readonly Step[] | undefined;
  #failure: Failure = { status: 404, quality: 0, depth: 0, methods: [] };

  constructor(call: ApplicationCall, segments: readonly string[], ignoresTrailingSlash: boolean) {
    this.call = call;
    this.segments = segments;
    this.ignoresTrailingSlash = ignoresTrailingSlash;
  }

  resolve(root: Route): ResolvedRoute | UnresolvedRoute {
    this.#visit(root, 0, NONE);
    const chain = this.#best;
    const last = chain?.at(-1);
    if (chain !== undefined && last !== undefined) return new ResolvedRoute(last.route, chain);
    return { route: undefined, status: this.#failure.status, allowedMethods: this.#failure.methods };
  }

  /** Gives the quality of the node if it or something below it became the best match, otherwise `NONE`. */
  #visit(route: Route, segmentIndex: number, baseline: number): number {
    const match = route.selector.evaluate(this, segmentIndex);
    if (!match.isMatch) {
      if (segmentIndex === this.segments.length) this.#failed(route, match);
      return NONE;
    }
    const { quality } = match;
    if (quality !== Quality.TRANSPARENT && quality < baseline) return NONE;
    const index = segmentIndex + match.segmentIncrement;
    if (route.children.length === 0 && index !== this.segments.length) return NONE;

    this.#trail.push({ route, match });
    let best = NONE;
    if (route.handlers.length > 0 && index === this.segments.length && this.#isBetter()) {
      best = quality;
      this.#best = this.#trail.slice();
    }
    best = this.#visitChildren(route, index, best);
    this.#trail.pop();
    return best > 0 ? quality : NONE;
  }

  #visitChildren(route: Route, index: number, baseline: number): number {
    let best = baseline;
    let constant = route.constantChild(this.segments[index]);
    for (const child of route.otherChildren) {
      if (constant !== undefined && constant.order < child.order) {
        best = this.#better(best, this.#visit(constant, index, best));
        constant = undefined;
      }
      best = this.#better(best, this.#visit(child, index, best));
    }
    return constant === undefined ? best : this.#better(best, this.#visit(constant, index, best));
  }

  /** Only a positive quality prunes siblings: not that of a transparent node. */
  #better(best: number, quality: number): number {
    return quality > 0 && quality > best ? quality : best;
  }

  /** Is the trail better than the best one so far? The first difference of counting qualities decides, then length. */
  #isBetter(): boolean {
    if (this.#best === undefined) return true;
    const old = this.#best.filter(counts);
    const candidate = this.#trail.filter(counts);
    for (let i = 0; i < old.length && i < candidate.length; i++) {
      const difference = (candidate[i] as Step).match.quality - (old[i] as Step).match.quality;
      if (difference !== 0) return difference > 0;
    }
    return candidate.length > old.length;
  }

  /** Keeps the heaviest or deepest failure of those whose path was matched by constants alone. */
  #failed({ selector }: Route, { status, quality }: Mismatch): void {
    if (this.#best !== undefined) return;
    const depth = this.#trail.length;
    const isWorse = quality > this.#failure.quality || depth > this.#failure.depth;
    const isSame = quality === this.#failure.quality && depth === this.#failure.depth;
    if (!(isWorse || isSame) || !this.#trail.every(isConstant)) return;
    if (isWorse) this.#failure = { status, quality, depth, methods: [] };
    if (selector instanceof MethodSelector && !this.#failure.methods.includes(selector.method))
      this.#failure.methods.push(selector.method);
  }
}

interface Failure {
  readonly status: number;
  readonly quality: number;
  readonly depth: number;
  readonly methods: string[];
}

/** An object without inherited properties that engines still treat as an ordinary one. */
const ParameterObject = function ParameterObject() {
  return undefined;
} as unknown as { new (): object; prototype: object };
ParameterObject.prototype = Object.create(null) as object;

function counts({ match }: Step): boolean {
  return match.quality !== Quality.TRANSPARENT;
}

function isConstant({ match }: Step): boolean {
  return match.quality === Quality.TRANSPARENT || match.quality === Quality.CONSTANT;
}
