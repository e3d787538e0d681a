import { PorticoError } from '../errors.js';
import type { MediaType } from '../http/media-type.js';
import { AndSelector, OrSelector } from './combined-selectors.js';
import { type HostPattern, HostSelector, LocalPortSelector } from './connection-selectors.js';
import { AcceptSelector, ContentTypeSelector, HeaderSelector } from './header-selectors.js';
import { OptionalQueryParameterSelector, QueryParameterSelector } from './query-selectors.js';
import { RegexSelector } from './regex-selector.js';
import { LowPrioritySelector, MethodSelector, TransparentSelector } from './request-selectors.js';
import type { RouteSelector } from './route-selector.js';

/**
 * Makes selectors, for `Route.select`, `Route.and` and `Route.or`:
 * `r.or([select.header('X-Beta', '1'), select.param('beta')], (r) => …)`.
 */
export const select = {
  /** A query parameter that is there; with a value: that has it among its values. */
  param: (name: string, value?: string): RouteSelector => new QueryParameterSelector(name, value),
  /** A query parameter that may be there. */
  optionalParam: (name: string): RouteSelector => new OptionalQueryParameterSelector(name),
  /** A header field with a value among its items; case does not matter. */
  header: (name: string, value: string): RouteSelector => new HeaderSelector(name, value),
  /** Accept takes one of these types. */
  accept: (...types: readonly (MediaType | string)[]): RouteSelector => new AcceptSelector(types),
  /** Content-Type is one of these types. */
  contentType: (...types: readonly (MediaType | string)[]): RouteSelector => new ContentTypeSelector(types),
  /** Host or port that the client named. */
  host: (pattern: HostPattern): RouteSelector => new HostSelector(pattern),
  /** Port of the connector. */
  localPort: (port: number): RouteSelector => new LocalPortSelector(port),
  method: (name: string): RouteSelector => new MethodSelector(name),
  /** The rest of the path from here, or the front part of it up to a slash. */
  regex: (regex: RegExp): RouteSelector => new RegexSelector(regex),
  /** Always matches and does not count. Of one `id`: one node; without: each its own. */
  transparent: (name: string, id?: string): RouteSelector => new TransparentSelector(name, id),
  /** Always matches, and is worse than everything else. */
  lowPriority: (): RouteSelector => new LowPrioritySelector(),
  /** All of them match. */
  and: (first: RouteSelector, ...others: readonly RouteSelector[]): RouteSelector =>
    others.reduce((all, other) => new AndSelector(all, other), checked(first)),
  /** One of them matches; the first counts. */
  or: (first: RouteSelector, ...others: readonly RouteSelector[]): RouteSelector =>
    others.reduce((all, other) => new OrSelector(all, other), checked(first)),
} as const;

/** A list that programs have put together may be empty. */
function checked(first: RouteSelector | undefined): RouteSelector {
  if (first !== undefined) return first;
  throw new PorticoError(
    'PORTICO_ROUTE_PATTERN',
    'A route that combines selectors got an empty list. Name at least one selector.',
  );
}
