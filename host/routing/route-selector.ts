import type { ApplicationCall } from '../application/application-call.js';

/** How good a match is; decides among routes that all match. */
export const Quality = {
  CONSTANT: 1,
  QUERY_PARAMETER: 1,
  PARAMETER_WITH_PREFIX_OR_SUFFIX: 0.9,
  PARAMETER: 0.8,
  WILDCARD: 0.5,
  MISSING: 0.2,
  TAILCARD: 0.1,
  /** Does not count at all. */
  TRANSPARENT: -1,
  FAILED_METHOD: 0.02,
  FAILED_PARAMETER: 0.01,
  FAILED_PATH: 0,
} as const;

/** Result of looking at a request at one place of its path. */
export type Evaluation = Match | Mismatch;

/** The selector takes the request. */
export interface Match {
  readonly isMatch: true;
  readonly quality: number;
  /** How many segments of the path it stands for. */
  readonly segmentIncrement: number;
  /** `name, values, name, values, …`; undefined for none. */
  readonly parameters: readonly (readonly [name: string, values: readonly string[]])[] | undefined;
}

/** The selector does not take the request. */
export interface Mismatch {
  readonly isMatch: false;
  /** Weight among the failures: the heaviest decides the status. */
  readonly quality: number;
  readonly status: number;
}

/** The request as selectors see it. */
export interface ResolveSubject {
  /** Decoded segments; a final slash is an empty last one. */
  readonly segments: readonly string[];
  readonly call: ApplicationCall;
  /** Routes with and without final slash are the same. */
  readonly ignoresTrailingSlash: boolean;
}

/**
 * Decides whether a route matches. Immutable; shared by all requests. New kinds MAY be added by plugins: `evaluate`
 * MUST be synchronous, MUST NOT throw anything but an `HttpError`, and gives the same answer for the same request.
 * Equal selectors below one parent are one route; `id` is what is compared, undefined when it equals nothing but
 * itself.
 */
export interface RouteSelector {
  readonly id: string | undefined;
  /** True for selectors that look at the path; only these show in `Route.path`. */
  readonly isPath: boolean;
  /** No match of this selector is better, so that it need not be asked when a better one is known; default 1. */
  readonly bestQuality?: number;
  evaluate(subject: ResolveSubject, segmentIndex: number): Evaluation;
  /** As part of a route: `users`, `{id}`, `(method:GET)`. */
  toString(): string;
}

/** Results that every request of a kind shares, so that none is made for each. */
export const MATCHED_CONSTANT: Match = match(Quality.CONSTANT, 0);
export const MATCHED_SEGMENT: Match = match(Quality.CONSTANT, 1);
export const MATCHED_WILDCARD: Match = match(Quality.WILDCARD, 1);
export const MATCHED_TRANSPARENT: Match = match(Quality.TRANSPARENT, 0);
export const MISSING: Match = match(Quality.MISSING, 0);
export const MISSING_AT_SLASH: Match = match(Quality.MISSING, 1);
export const FAILED_PATH: Mismatch = { isMatch: false, quality: Quality.FAILED_PATH, status: 404 };
/** RFC 9110 §15.5.6. */
export const FAILED_METHOD: Mismatch = { isMatch: false, quality: Quality.FAILED_METHOD, status: 405 };

export const FAILED_PARAMETER: Mismatch = { isMatch: false, quality: Quality.FAILED_PARAMETER, status: 400 };
/** RFC 9110 §15.5.7. */
export const FAILED_ACCEPT: Mismatch = { isMatch: false, quality: Quality.FAILED_PARAMETER, status: 406 };
/** RFC 9110 §15.5.16. */
export const FAILED_CONTENT_TYPE: Mismatch = {
  isMatch: false,
  quality: Quality.FAILED_PARAMETER,
  status: 415,
};

/** Makes a match with at most one parameter. */
export function match(
  quality: number,
  segmentIncrement: number,
  name?: string,
  values?: readonly string[],
): Match {
  const parameters: Match['parameters'] =
    name === undefined || values === undefined ? undefined : [[name, values]];
  return { isMatch: true, quality, segmentIncrement, parameters };
}
