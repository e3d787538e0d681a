import type { Route } from '#host/routing/route.js';
import type { Match, ResolveSubject } from '#host/routing/route-selector.js';

type Chain = readonly (readonly [Route, Match])[];

/** Result of `plainResolve`. */
export interface PlainResult {
  readonly route: Route | undefined;
  /** Parameters in the order of the nodes, one text for each. */
  readonly parameters: readonly string[];
  readonly status: number | undefined;
}

/** The depth-first search of routing as its rules say it, every child tried, nothing looked up. */
export function plainResolve(root: Route, subject: ResolveSubject): PlainResult {
  const size = subject.segments.length;
  let best: Chain | undefined;
  let failure = { status: 404, quality: 0, depth: 0 };

  const visit = (route: Route, index: number, chain: Chain, baseline: number): number | undefined => {
    const match = route.selector.evaluate(subject, index);
    if (!match.isMatch) {
      const { status, quality } = match;
      const isWorse = quality > failure.quality || chain.length > failure.depth;
      const isPlain = chain.every(([, one]) => one.quality === 1 || one.quality === -1);
      if (best === undefined && index === size && isWorse && isPlain)
        failure = { status, quality, depth: chain.length };
      return undefined;
    }
    if (match.quality !== -1 && match.quality < baseline) return undefined;
    const next = index + match.segmentIncrement;
    if (route.children.length === 0 && next !== size) return undefined;
    const own: Chain = [...chain, [route, match]];
    let found = Number.NEGATIVE_INFINITY;
    if (route.handlers.length > 0 && next === size && (best === undefined || isBetter(own, best))) {
      best = own;
      found = match.quality;
    }
    for (const child of route.children) {
      const quality = visit(child, next, own, found);
      if (quality !== undefined && quality > 0 && quality > found) found = quality;
    }
    return found > 0 ? match.quality : undefined;
  };

  visit(root, 0, [], Number.NEGATIVE_INFINITY);
  const chain: Chain | undefined = best;
  if (chain === undefined) return { route: undefined, parameters: [], status: failure.status };
  return {
    route: chain.at(-1)?.[0],
    parameters: chain.flatMap(([, { parameters }]) =>
      (parameters ?? []).map(([name, values]) => `${name}=${values.join('|')}`),
    ),
    status: undefined,
  };
}

function isBetter(chain: Chain, other: Chain): boolean {
  const qualities = (one: Chain): number[] =>
    one.map(([, { quality }]) => quality).filter((quality) => quality !== -1);
  const own = qualities(chain);
  const old = qualities(other);
  const different = own.findIndex((quality, i) => i < old.length && quality !== old[i]);
  return different < 0 ? own.length > old.length : (own[different] as number) > (old[different] as number);
}
