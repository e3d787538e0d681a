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
import type { RouteSelector } from './route-selector.js';

/**
 * Selectors of a path pattern, one a segment: `users`, `{id}`, `{id?}`, `{rest...}`, `{...}`, `*`, `v{version}.json`; a
 * final slash is one of its own. Other texts are constants, percent-decoded. Text behind `{rest...}` in its segment:
 * `PORTICO_ROUTE_PATTERN`.
 */
export function parsePattern(pattern: string): readonly RouteSelector[] {
  const selectors: RouteSelector[] = [];
  for (const piece of pattern.split('/')) if (piece !== '') selectors.push(selectorOf(piece, pattern));
  if (pattern.endsWith('/')) selectors.push(new TrailingSlashSelector());
  return selectors;
}

function selectorOf(piece: string, pattern: string): RouteSelector {
  const open = piece.indexOf('{');
  const close = piece.lastIndexOf('}');
  if (open >= 0 && close > open) return parameterOf(piece, open, close, pattern);
  const text = decodePercent(piece, false);
  return text === '*' ? new WildcardSelector() : new ConstantSelector(text);
}

function parameterOf(piece: string, open: number, close: number, pattern: string): RouteSelector {
  const prefix = open === 0 ? undefined : piece.slice(0, open);
  const suffix = close === piece.length - 1 ? undefined : piece.slice(close + 1);
  const name = piece.slice(open + 1, close);
  if (name.endsWith('?')) return new OptionalParameterSelector(name.slice(0, -1), prefix, suffix);
  if (!name.endsWith('...')) return new ParameterSelector(name, prefix, suffix);
  if (suffix !== undefined)
    throw new PorticoError(
      'PORTICO_ROUTE_PATTERN',
      `In the pattern ${pattern} the text ${JSON.stringify(suffix)} stands behind ${piece.slice(open, close + 1)}, ` +
        'which takes everything. Remove it.',
    );
  return new TailcardSelector(name.slice(0, -3), prefix);
}
