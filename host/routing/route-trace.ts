import type { ApplicationCall } from '../application/application-call.js';
import type { Route } from './route.js';
import type { Match } from './route-selector.js';

/** Gets the trace of each call that routing has looked at. */
export type Tracer = (trace: RouteTrace) => void;

/** Why a node was left. */
export const SkipReason = {
  NO_MATCH: "Selector didn't match",
  BETTER_MATCH: 'Better match was already found',
  NOT_ALL_SEGMENTS: 'Not all segments matched',
} as const;
export type SkipReason = (typeof SkipReason)[keyof typeof SkipReason];

/**
 * What routing did for one call: each node it looked at, the routes that could have answered, and the one chosen.
 * Filled by the resolver; for people.
 */
export class RouteTrace {
  readonly call: ApplicationCall;
  readonly segments: readonly string[];
  readonly #lines: string[] = [];
  readonly #candidates: string[] = [];
  #result = 'FAILURE "No matched subtrees found" @ /';

  /** For the resolver. */
  constructor(call: ApplicationCall, segments: readonly string[]) {
    this.call = call;
    this.segments = segments;
  }

  /** A node was entered; `segmentIndex` is behind what it took. */
  matched(route: Route, match: Match, segmentIndex: number, depth: number): void {
    this.#add(route, segmentIndex, depth, `SUCCESS${parametersText([match])}`);
  }

  /** A node was not entered. */
  skipped(route: Route, reason: SkipReason, segmentIndex: number, depth: number): void {
    this.#add(route, segmentIndex, depth, `FAILURE "${reason}"`);
  }

  /** A chain of nodes could answer. */
  candidate(chain: readonly Route[]): void {
    this.#candidates.push(chain.map(({ selector }) => `"${selector}"`).join(' -> '));
  }

  resolved(route: Route, matches: readonly Match[]): void {
    this.#result = `SUCCESS${parametersText(matches)} @ ${nameOf(route)}`;
  }

  failed(status: number): void {
    this.#result = `FAILURE "No matched subtrees found", status ${status} @ /`;
  }

  /** The trace as lines of text. */
  buildText(): string {
    const candidates = this.#candidates.length === 0 ? ['No results'] : this.#candidates;
    return [
      `Trace for [${this.segments.join(', ')}]`,
      ...this.#lines,
      'Matched routes:',
      ...candidates.map((line) => `  ${line}`),
      'Routing resolve result:',
      `  ${this.#result}`,
    ].join('\n');
  }

  #add(route: Route, segmentIndex: number, depth: number, result: string): void {
    const name = nameOf(route);
    this.#lines.push(`${'  '.repeat(depth)}${name}, segment:${segmentIndex} -> ${result} @ ${name}`);
  }
}

/** `/users/{id} [(method:GET)]`: the path, then what else must hold. */
function nameOf(route: Route): string {
  const others = route.lineage
    .filter(({ selector }) => !selector.isPath)
    .map(({ selector }) => `${selector}`);
  const path = route.path === '' ? '/' : route.path;
  return others.length === 0 ? path : `${path} [${others.join(', ')}]`;
}

function parametersText(matches: readonly Match[]): string {
  const parameters = matches.flatMap(({ parameters: own }) => own ?? []);
  if (parameters.length === 0) return '';
  return `; Parameters [${parameters.map(([name, values]) => `${name}=[${values.join(', ')}]`).join(', ')}]`;
}
