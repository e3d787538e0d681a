import {
  type Evaluation,
  type Match,
  Quality,
  type ResolveSubject,
  type RouteSelector,
} from './route-selector.js';

/** Both match, the second behind what the first has taken. Qualities are multiplied; a transparent one counts as 1. */
export class AndSelector implements RouteSelector {
  readonly id: string | undefined;
  readonly isPath: boolean;
  readonly #first: RouteSelector;
  readonly #second: RouteSelector;

  constructor(first: RouteSelector, second: RouteSelector) {
    this.#first = first;
    this.#second = second;
    this.id = idOf('and', first, second);
    this.isPath = first.isPath || second.isPath;
  }

  evaluate(subject: ResolveSubject, segmentIndex: number): Evaluation {
    const first = this.#first.evaluate(subject, segmentIndex);
    if (!first.isMatch) return first;
    const second = this.#second.evaluate(subject, segmentIndex + first.segmentIncrement);
    if (!second.isMatch) return second;
    return {
      isMatch: true,
      quality: product(first, second),
      segmentIncrement: first.segmentIncrement + second.segmentIncrement,
      parameters:
        first.parameters === undefined && second.parameters === undefined
          ? undefined
          : [...(first.parameters ?? []), ...(second.parameters ?? [])],
    };
  }

  toString(): string {
    return `{${this.#first} & ${this.#second}}`;
  }
}

/** The first of two that matches. */
export class OrSelector implements RouteSelector {
  readonly id: string | undefined;
  readonly isPath: boolean;
  readonly #first: RouteSelector;
  readonly #second: RouteSelector;

  constructor(first: RouteSelector, second: RouteSelector) {
    this.#first = first;
    this.#second = second;
    this.id = idOf('or', first, second);
    this.isPath = first.isPath || second.isPath;
  }

  evaluate(subject: ResolveSubject, segmentIndex: number): Evaluation {
    const first = this.#first.evaluate(subject, segmentIndex);
    return first.isMatch ? first : this.#second.evaluate(subject, segmentIndex);
  }

  toString(): string {
    return `{${this.#first} | ${this.#second}}`;
  }
}

function idOf(kind: string, first: RouteSelector, second: RouteSelector): string | undefined {
  return first.id === undefined || second.id === undefined
    ? undefined
    : `${kind}:${JSON.stringify([first.id, second.id])}`;
}

function product(first: Match, second: Match): number {
  if (first.quality === Quality.TRANSPARENT) return second.quality;
  return second.quality === Quality.TRANSPARENT ? first.quality : first.quality * second.quality;
}
