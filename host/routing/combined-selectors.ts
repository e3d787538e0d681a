import {
  type Evaluation,
  type Match,
  Quality,
  type ResolveSubject,
  type RouteSelector,
} from './route-selector.js';

/** Two selectors that are one. */
abstract class PairSelector implements RouteSelector {
  readonly id: string | undefined;
  readonly isPath: boolean;
  protected readonly first: RouteSelector;
  protected readonly second: RouteSelector;

  constructor(kind: string, first: RouteSelector, second: RouteSelector) {
    this.first = first;
    this.second = second;
    this.isPath = first.isPath || second.isPath;
    // Without a name of one of them they cannot be told from another pair.
    const isNamed = first.id !== undefined && second.id !== undefined;
    this.id = isNamed ? `${kind}:${JSON.stringify([first.id, second.id])}` : undefined;
  }

  abstract evaluate(subject: ResolveSubject, segmentIndex: number): Evaluation;
}

/** Both match, the second behind what the first has taken. Qualities are multiplied; a transparent one counts as 1. */
export class AndSelector extends PairSelector {
  constructor(first: RouteSelector, second: RouteSelector) {
    super('and', first, second);
  }

  override evaluate(subject: ResolveSubject, segmentIndex: number): Evaluation {
    const first = this.first.evaluate(subject, segmentIndex);
    if (!first.isMatch) return first;
    const second = this.second.evaluate(subject, segmentIndex + first.segmentIncrement);
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

  override toString(): string {
    return `{${this.first} & ${this.second}}`;
  }
}

/** The first of two that matches. */
export class OrSelector extends PairSelector {
  constructor(first: RouteSelector, second: RouteSelector) {
    super('or', first, second);
  }

  override evaluate(subject: ResolveSubject, segmentIndex: number): Evaluation {
    const first = this.first.evaluate(subject, segmentIndex);
    return first.isMatch ? first : this.second.evaluate(subject, segmentIndex);
  }

  override toString(): string {
    return `{${this.first} | ${this.second}}`;
  }
}

function product(first: Match, second: Match): number {
  if (first.quality === Quality.TRANSPARENT) return second.quality;
  return second.quality === Quality.TRANSPARENT ? first.quality : first.quality * second.quality;
}
