import {
  ConstantSelector,
  OptionalParameterSelector,
  ParameterSelector,
  TailcardSelector,
  TrailingSlashSelector,
  WildcardSelector,
} from '#host/routing/path-selectors.js';
import { LowPrioritySelector, TransparentSelector } from '#host/routing/request-selectors.js';
import type { Route } from '#host/routing/route.js';
import type { RouteSelector } from '#host/routing/route-selector.js';

/** A selector of the vector files. */
export interface SelectorDefinition {
  readonly type: string;
  readonly value?: string;
  readonly name?: string;
  readonly prefix?: string | null;
  readonly suffix?: string | null;
  readonly unique?: number;
}

/** A node of the vector files. */
export interface RouteDefinition {
  readonly path?: string;
  readonly selector?: SelectorDefinition;
  readonly method?: string;
  readonly handler?: string | number;
  readonly routes?: readonly RouteDefinition[];
}

/** Builds the routes below `parent`; `onHandler` gets each route that has a handler. */
export function buildRoutes(
  parent: Route,
  definitions: readonly RouteDefinition[],
  onHandler: (route: Route, id: string) => void,
): void {
  for (const { path, selector, method, handler, routes } of definitions) {
    let route = path === undefined ? parent : (parent.route(path) as unknown as Route);
    if (selector !== undefined) route = route.createChild(selectorOf(selector));
    if (method !== undefined) route = route.method(method);
    if (handler !== undefined) onHandler(route, String(handler));
    buildRoutes(route, routes ?? [], onHandler);
  }
}

/** All selector types that the definitions use. */
export function selectorTypes(definitions: readonly RouteDefinition[]): string[] {
  return definitions.flatMap(({ selector, routes }) => [
    ...(selector === undefined ? [] : [selector.type]),
    ...selectorTypes(routes ?? []),
  ]);
}

export function selectorOf({ type, value, name, prefix, suffix, unique }: SelectorDefinition): RouteSelector {
  switch (type) {
    case 'const':
      return new ConstantSelector(value ?? '');
    case 'segParam':
      return new ParameterSelector(name ?? '', prefix ?? undefined, suffix ?? undefined);
    case 'segOptional':
      return new OptionalParameterSelector(name ?? '', prefix ?? undefined, suffix ?? undefined);
    case 'wildcard':
      return new WildcardSelector();
    case 'tailcard':
      return new TailcardSelector(name ?? '', prefix ?? undefined);
    case 'trailingSlash':
      return new TrailingSlashSelector();
    case 'lowPriority':
      return new LowPrioritySelector();
    case 'transparent':
      return new TransparentSelector('transparent', unique === undefined ? 'shared' : undefined);
    default:
      throw new Error(`no selector ${type}`);
  }
}

/** The other way round, with null for what is not there. */
export function definitionOf(selector: RouteSelector): SelectorDefinition {
  if (selector instanceof ConstantSelector) return { type: 'const', value: selector.value };
  if (selector instanceof ParameterSelector || selector instanceof OptionalParameterSelector)
    return {
      type: selector instanceof ParameterSelector ? 'segParam' : 'segOptional',
      name: selector.name,
      prefix: selector.prefix ?? null,
      suffix: selector.suffix ?? null,
    };
  if (selector instanceof WildcardSelector) return { type: 'wildcard' };
  if (selector instanceof TailcardSelector)
    return { type: 'tailcard', name: selector.name, prefix: selector.prefix };
  if (selector instanceof TrailingSlashSelector) return { type: 'trailingSlash' };
  throw new Error(`no definition for ${selector}`);
}
