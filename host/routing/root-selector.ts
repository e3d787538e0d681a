import { decodePercent } from '../application/percent-decoding.js';
import { PorticoError } from '../errors.js';
import {
  type Evaluation,
  FAILED_PATH,
  MATCHED_CONSTANT,
  match,
  Quality,
  type ResolveSubject,
  type RouteSelector,
} from './route-selector.js';

/** The root path of an application that matches it itself; constants only. */
export class RootSelector implements RouteSelector {
  readonly id = 'root';
  readonly isPath = true;
  readonly #segments: readonly string[];

  /** `PORTICO_ROUTE_PATTERN` when the path has parameters or wildcards. */
  constructor(rootPath: string) {
    const pieces = rootPath.split('/').filter((piece) => piece !== '');
    const wrong = pieces.find((piece) => piece === '*' || /[{}]/.test(piece));
    if (wrong !== undefined)
      throw new PorticoError(
        'PORTICO_ROUTE_PATTERN',
        `The root path ${rootPath} must be made of plain segments, not ${wrong}; parameters belong into routes.`,
      );
    this.#segments = pieces.map((piece) => decodePercent(piece, false));
  }

  evaluate({ segments }: ResolveSubject, segmentIndex: number): Evaluation {
    const own = this.#segments;
    if (own.length === 0) return MATCHED_CONSTANT;
    for (let i = 0; i < own.length; i++) if (segments[segmentIndex + i] !== own[i]) return FAILED_PATH;
    return match(Quality.CONSTANT, own.length);
  }

  toString(): string {
    return this.#segments.join('/');
  }
}
