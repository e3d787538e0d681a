import type { ApplicationCall } from '../application/application-call.js';
import { MethodSelector } from './request-selectors.js';
import { ResolvedRoute, type Step } from './resolved-route.js';
import type { Route } from './route.js';
import { type Mismatch, Quality, type ResolveSubject } from './route-selector.js';
import { type RouteTrace, SkipReason } from './route-trace.js';

/** No route answers. */
export interface UnresolvedRoute {
  readonly route: undefined;
  readonly status: number;
  /** With 405: the methods that are there (RFC 9110 §15.5.6). */
  readonly allowedMethods: readonly string[];
}

/** No success below a node. */
const NONE = -Number.MAX_VALUE;

/**
 * Finds the best route for one request: depth-first in order of declaration, skipping what cannot be better than what
 * was found. Constants are looked up instead of tried, so the number of siblings does not matter. With a trace every
 * node is tried, with the same result.
 */
export class RouteResolver implements ResolveSubject {
  readonly segments: readonly string[];
  readonly call: ApplicationCall;
  readonly ignoresTrailingSlash: boolean;
  readonly #trace: RouteTrace | undefined;
  #best: Step | undefined;
  #failure: Failure = NOT_FOUND;

  constructor(
    call: ApplicationCall,
    segments: readonly string[],
    ignoresTrailingSlash: boolean,
    trace?: RouteTrace,
  ) {
    this.call = call;
    this.segments = segments;
    this.ignoresTrailingSlash = ignoresTrailingSlash;
    this.#trace = trace;
    this.#best = undefined;
    this.#failure = NOT_FOUND;
  }

  resolve(root: Route): ResolvedRoute | UnresolvedRoute {
    this.#visit(root, undefined, 0, NONE);
    const best = this.#best;
    if (best !== undefined) {
      this.#trace?.resolved(
        best.route,
        chainOf(best).map(({ match }) => match),
      );
      return new ResolvedRoute(best);
    }
    const { status, methods } = this.#failure;
    this.#trace?.failed(status);
    return { route: undefined, status, allowedMethods: methods };
  }

  /** Gives the quality of the node if it or something below it became the best match, otherwise `NONE`. */
  #visit(route: Route, parent: Step | undefined, segmentIndex: number, baseline: number): number {
    const { selector } = route;
    const match = selector.evaluate(this, segmentIndex);
    const depth = parent === undefined ? 0 : parent.depth;
    if (!match.isMatch) {
      if (segmentIndex === this.segments.length) this.#failed(route, match, parent, depth);
      this.#trace?.skipped(route, SkipReason.NO_MATCH, segmentIndex, depth);
      return NONE;
    }
    const { quality } = match;
    if (quality !== Quality.TRANSPARENT && quality < baseline) {
      this.#trace?.skipped(route, SkipReason.BETTER_MATCH, segmentIndex, depth);
      return NONE;
    }
    const index = segmentIndex + match.segmentIncrement;
    const isAtEnd = index === this.segments.length;
    if (!isAtEnd && route.children.length === 0) {
      this.#trace?.skipped(route, SkipReason.NOT_ALL_SEGMENTS, index, depth);
      return NONE;
    }
    this.#trace?.matched(route, match, index, depth);
    const step: Step = { route, match, parent, depth: depth + 1 };
    let best = NONE;
    if (isAtEnd && route.handlers.length > 0) {
      if (this.#best === undefined || isBetter(step, this.#best)) {
        best = quality;
        this.#best = step;
      }
      this.#trace?.candidate(chainOf(step).map((one) => one.route));
    }
    if (route.children.length > 0)
      best =
        this.#trace === undefined
          ? this.#visitIndexed(route, step, index, best)
          : this.#visitAll(step, index, best);
    return best > 0 ? quality : NONE;
  }

  /** All children but those constants that are known to fail. */
  #visitIndexed(route: Route, step: Step, index: number, baseline: number): number {
    let best = baseline;
    let constant = route.constantChild(this.segments[index]);
    for (const child of route.otherChildren) {
      if (constant !== undefined && constant.order < child.order) {
        best = better(best, this.#visit(constant, step, index, best));
        constant = undefined;
      }
      // Only failures at the end of the path are of interest, and none is once there is a match.
      if (child.bestQuality < best) continue;
      best = better(best, this.#visit(child, step, index, best));
    }
    return constant === undefined ? best : better(best, this.#visit(constant, step, index, best));
  }

  #visitAll(step: Step, index: number, baseline: number): number {
    let best = baseline;
    for (const child of step.route.children) best = better(best, this.#visit(child, step, index, best));
    return best;
  }

  /** Keeps the heaviest or deepest failure of those whose path was matched by constants alone. */
  #failed({ selector }: Route, { status, quality }: Mismatch, parent: Step | undefined, depth: number): void {
    if (this.#best !== undefined) return;
    const kept = this.#failure;
    const isWorse = quality > kept.quality || depth > kept.depth;
    const isSame = quality === kept.quality && depth === kept.depth;
    if (!(isWorse || isSame) || !isConstant(parent)) return;
    const methods = isWorse ? [] : kept.methods;
    const isMissed = selector instanceof MethodSelector && !methods.includes(selector.method);
    if (isWorse || isMissed)
      this.#failure = {
        status: isWorse ? status : kept.status,
        quality,
        depth,
        methods: isMissed ? [...methods, selector.method] : methods,
      };
  }
}

interface Failure {
  readonly status: number;
  readonly quality: number;
  readonly depth: number;
  readonly methods: readonly string[];
}

const NOT_FOUND: Failure = { status: 404, quality: 0, depth: 0, methods: [] };

/** Only a positive quality prunes siblings: not that of a transparent node. */
function better(best: number, quality: number): number {
  return quality > 0 && quality > best ? quality : best;
}

/** Is a chain better than the best one so far? The first difference of counting qualities decides, then length. */
function isBetter(candidate: Step, best: Step): boolean {
  const own = countingQualities(candidate);
  const old = countingQualities(best);
  for (let i = 0; i < old.length && i < own.length; i++) {
    const difference = (own[i] as number) - (old[i] as number);
    if (difference !== 0) return difference > 0;
  }
  return own.length > old.length;
}

function countingQualities(step: Step): readonly number[] {
  return chainOf(step)
    .map(({ match }) => match.quality)
    .filter((quality) => quality !== Quality.TRANSPARENT);
}

/** From the root. */
function chainOf(step: Step): readonly Step[] {
  const chain: Step[] = [];
  for (let one: Step | undefined = step; one !== undefined; one = one.parent) chain.unshift(one);
  return chain;
}

function isConstant(step: Step | undefined): boolean {
  for (let one = step; one !== undefined; one = one.parent) {
    const { quality } = one.match;
    if (quality !== Quality.TRANSPARENT && quality !== Quality.CONSTANT) return false;
  }
  return true;
}
