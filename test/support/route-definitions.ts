import {
  ConstantSelector,
  OptionalParameterSelector,
  ParameterSelector,
  TailcardSelector,
  TrailingSlashSelector,
  WildcardSelector,
} from '#host/routing/path-selectors.js';
import type { Route } from '#host/routing/route.js';
import type { RouteSelector } from '#host/routing/route-selector.js';
import { select } from '#host/routing/select.js';

/** A selector of the vector files. */
export interface SelectorDefinition {
  readonly type: string;
  readonly value?: string;
  readonly name?: string;
  readonly prefix?: string | null;
  readonly suffix?: string | null;
  readonly unique?: number;
  readonly types?: readonly string[];
  readonly hosts?: readonly string[];
  readonly hostPatterns?: readonly string[];
  readonly ports?: readonly number[];
  readonly port?: number;
  readonly pattern?: string;
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

export function selectorOf(definition: SelectorDefinition): RouteSelector {
  const { type, value, name = '', prefix, suffix, unique, types = [] } = definition;
  switch (type) {
    case 'const':
      return new ConstantSelector(value ?? '');
    case 'segParam':
      return new ParameterSelector(name, prefix ?? undefined, suffix ?? undefined);
    case 'segOptional':
      return new OptionalParameterSelector(name, prefix ?? undefined, suffix ?? undefined);
    case 'wildcard':
      return new WildcardSelector();
    case 'tailcard':
      return new TailcardSelector(name, prefix ?? undefined);
    case 'trailingSlash':
      return new TrailingSlashSelector();
    case 'lowPriority':
      return select.lowPriority();
    case 'transparent':
      return select.transparent('transparent', unique === undefined ? 'shared' : undefined);
    case 'param':
      return select.param(name, value);
    case 'optionalParam':
      return select.optionalParam(name);
    case 'header':
      return select.header(name, value ?? '');
    case 'accept':
      return select.accept(...types);
    case 'contentType':
      return select.contentType(...types);
    case 'host': {
      const patterns = (definition.hostPatterns ?? []).map((pattern) => new RegExp(pattern));
      return select.host({
        hosts: [...(definition.hosts ?? []), ...patterns],
        ports: definition.ports ?? [],
      });
    }
    case 'localPort':
      return select.localPort(definition.port ?? 0);
    case 'regex':
      return select.regex(new RegExp(definition.pattern ?? ''));
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
