import { decodePercent } from '../application/percent-decoding.js';
import { PorticoError } from '../errors.js';
import {
  ConstantSelector,
  OptionalParameterSelector,
  ParameterSelector,
  TailcardSelector,
  TrailingSlashSelector,
  WildcardSelector,
} from './path-selectors.js';
import { RegexSelector } from './regex-selector.js';
import type { RouteSelector } from './route-selector.js';

/** Where a route lies below its parent: a pattern, or a regular expression over the rest of the path. */
export type RoutePattern = string | RegExp;

/**
 * Selectors of a path pattern, one a segment: `users`, `{id}`, `{id?}`, `{rest...}`, `{...}`, `*`, `v{version}.json`; a
 * final slash is one of its own. Other texts are constants, percent-decoded; a brace as itself is written `%7B`, `%7D`.
 * `PORTICO_ROUTE_PATTERN` for `:id` as other frameworks have it, `?` and `#`, braces that do not pair, a parameter
 * without a name, two parameters in one segment, what has to be behind `{rest...}`, and a wrong escape.
 */
export function parsePattern(pattern: RoutePattern): readonly RouteSelector[] {
  if (pattern instanceof RegExp) return [new RegexSelector(pattern)];
  if (typeof pattern !== 'string')
    throw new PorticoError(
      'PORTICO_ROUTE_PATTERN',
      `The pattern of a route is ${String(pattern)}. Give a text such as '/users/{id}' or a regular expression.`,
    );
  const selectors: RouteSelector[] = [];
  let place = 0;
  for (const piece of pattern.split('/')) {
    if (piece !== '') {
      const selector = selectorOf({ pattern, piece, place });
      if (needsSegment(selector) && selectors.some((one) => one instanceof TailcardSelector))
        throw wrong({ pattern, piece, place }, 'is behind what takes everything, so nothing is left for it');
      selectors.push(selector);
    }
    place += piece.length + 1;
  }
  if (pattern.endsWith('/')) selectors.push(new TrailingSlashSelector());
  return selectors;
}

interface Piece {
  readonly pattern: string;
  readonly piece: string;
  /** Where it begins in the pattern. */
  readonly place: number;
}

function selectorOf(at: Piece): RouteSelector {
  const open = at.piece.indexOf('{');
  const close = at.piece.lastIndexOf('}');
  if (open >= 0 && close > open) return parameterOf(at, open, close);
  if (open >= 0 || close >= 0) throw wrong(at, 'has a brace without its partner; write %7B or %7D for one');
  if (/[?#]/.test(at.piece))
    throw wrong(
      at,
      'has a ? or #, which no path has; routes for a query are made with param(); write %3F or %23',
    );
  if (/^:[A-Za-z_]/.test(at.piece))
    throw wrong(at, `would be a constant; write {${at.piece.slice(1)}} for a parameter, %3A for a colon`);
  const text = decoded(at);
  return text === '*' ? new WildcardSelector() : new ConstantSelector(text);
}

function needsSegment(selector: RouteSelector): boolean {
  return !(selector instanceof TailcardSelector || selector instanceof OptionalParameterSelector);
}

function parameterOf(at: Piece, open: number, close: number): RouteSelector {
  const { piece } = at;
  const prefix = open === 0 ? undefined : piece.slice(0, open);
  const suffix = close === piece.length - 1 ? undefined : piece.slice(close + 1);
  const inner = piece.slice(open + 1, close);
  if (/[{}]/.test(inner)) throw wrong(at, 'has more than one parameter; use a regular expression');
  if (inner === '' || inner === '?') throw wrong(at, 'has a parameter without a name; name it, or write *');
  if (inner.endsWith('?')) return new OptionalParameterSelector(inner.slice(0, -1), prefix, suffix);
  if (!inner.endsWith('...')) return new ParameterSelector(inner, prefix, suffix);
  if (suffix !== undefined)
    throw wrong(at, `has ${JSON.stringify(suffix)} behind what takes everything; remove it`);
  return new TailcardSelector(inner.slice(0, -3), prefix);
}

function decoded(at: Piece): string {
  try {
    return decodePercent(at.piece, false);
  } catch (cause) {
    throw wrong(at, 'has a % without two hexadecimal digits; write %25 for one', cause);
  }
}

function wrong({ pattern, piece, place }: Piece, what: string, cause?: unknown): PorticoError {
  return new PorticoError(
    'PORTICO_ROUTE_PATTERN',
    `In the pattern ${JSON.stringify(pattern)} the segment ${JSON.stringify(piece)} at character ${place + 1} ${what}.`,
    { cause },
  );
}
