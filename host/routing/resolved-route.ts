import type { AnyPathParameters, PathValues } from '../application/application-call.js';
import { Parameters } from '../application/parameters.js';
import { TailcardSelector } from './path-selectors.js';
import type { Route } from './route.js';
import type { Match } from './route-selector.js';

/** One node on the way to a route, and the way before it. */
export interface Step {
  readonly route: Route;
  readonly match: Match;
  readonly parent: Step | undefined;
  /** How many nodes the way has. */
  readonly depth: number;
}

/** The route that answers a request, and what the request says on the way to it. Parameters are made when asked for. */
export class ResolvedRoute implements PathValues {
  readonly route: Route;
  readonly #last: Step;

  constructor(last: Step) {
    this.route = last.route;
    this.#last = last;
  }

  /** Values of one name are joined in order. */
  all(): Parameters {
    const values = new Map<string, readonly string[]>();
    for (const { match } of this.#matchesWithParameters())
      for (const [name, own] of match.parameters ?? [])
        values.set(name, [...(values.get(name) ?? []), ...own]);
    return values.size === 0 ? Parameters.EMPTY : new Parameters(values);
  }

  first(): AnyPathParameters {
    const first = new ParameterObject() as Record<string, string | readonly string[]>;
    for (const { route, match } of this.#matchesWithParameters()) {
      for (const [name, own] of match.parameters ?? []) {
        if (route.selector instanceof TailcardSelector) first[name] = own;
        // A query parameter without `=` is there and has no value.
        else if (first[name] === undefined) first[name] = own[0] ?? '';
      }
    }
    return first;
  }

  /** From the root. */
  #matchesWithParameters(): readonly Step[] {
    const steps: Step[] = [];
    for (let step: Step | undefined = this.#last; step !== undefined; step = step.parent)
      if (step.match.parameters !== undefined) steps.unshift(step);
    return steps;
  }
}

/** An object without inherited properties that engines still treat as an ordinary one. */
const ParameterObject = function ParameterObject() {
  return undefined;
} as unknown as { new (): object; prototype: object };
ParameterObject.prototype = Object.create(null) as object;
