import { describe, expect, it } from '@jest/globals';
import { Application } from '#host/application/application.js';
import { ApplicationCall } from '#host/application/application-call.js';
import { applicationEnvironment } from '#host/application/environment.js';
import { BadRequestError } from '#host/application/http-errors.js';
import { decodePercent } from '#host/application/percent-decoding.js';
import { parseForm, parseQuery } from '#host/application/query.js';
import { TestExchange } from '#host/engine/test/test-exchange.js';
import { PorticoError } from '#host/errors.js';
import { normalizePathComponents } from '#host/http/path-components.js';
import { encodeParameter, encodePath, encodeQuery, formUrlEncode } from '#host/http/url-encoding.js';
import { IgnoreTrailingSlash } from '#host/routing/ignore-trailing-slash.js';
import { parsePattern } from '#host/routing/path-pattern.js';
import { pathSegments } from '#host/routing/path-segments.js';
import {
  ConstantSelector,
  OptionalParameterSelector,
  ParameterSelector,
} from '#host/routing/path-selectors.js';
import { allRoutes, type Route } from '#host/routing/route.js';
import { Quality } from '#host/routing/route-selector.js';
import { routing } from '#host/routing/routing-root.js';
import {
  buildRoutes,
  definitionOf,
  type RouteDefinition,
  type SelectorDefinition,
  selectorOf,
} from '#test/support/route-definitions.js';
import { readVectors } from '#test/support/vectors.js';

interface ResolveCase {
  readonly name: string;
  readonly routes: readonly RouteDefinition[];
  readonly rootPath?: string;
  readonly rootHandler?: string;
  readonly ignoreTrailingSlash?: boolean;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly query?: string;
    readonly headers: Readonly<Record<string, string | readonly string[]>>;
  };
  readonly expect: {
    readonly matchedRouteId: string | null;
    readonly params?: Record<string, readonly string[]>;
    readonly callParams?: Record<string, readonly string[]>;
    readonly status?: number;
  };
}

function callFor(application: Application, request: ResolveCase['request']): ApplicationCall {
  const headers = Object.entries(request.headers).flatMap(([name, values]) =>
    (typeof values === 'string' ? [values] : values).flatMap((value) => [name, value]),
  );
  const target = request.query === undefined ? request.path : `${request.path}?${request.query}`;
  return new ApplicationCall(
    application,
    new TestExchange({ method: request.method, target, headers, body: undefined }),
  );
}

describe('vectors routing-resolve', () => {
  const { cases } = readVectors<{ cases: ResolveCase[] }>('routing-resolve');

  it.each(cases)('$name', async (one) => {
    const application = new Application(applicationEnvironment({ rootPath: one.rootPath ?? '' }));
    if (one.ignoreTrailingSlash === true) application.install(IgnoreTrailingSlash);
    const root = routing(application);
    const ids = new Map<Route, string>();
    let matched: string | undefined;
    const onHandler = (route: Route, id: string): void => {
      if (ids.has(route)) return;
      ids.set(route, id);
      route.handle(() => {
        matched = id;
      });
    };
    if (one.rootHandler !== undefined) onHandler(root, one.rootHandler);
    buildRoutes(root, one.routes, onHandler);

    const call = callFor(application, one.request);
    try {
      await application.execute(call, undefined);
    } catch (error) {
      if (!(error instanceof BadRequestError)) throw error;
      call.routingFailureStatus = error.status;
    }
    expect(matched ?? null).toBe(one.expect.matchedRouteId);
    if (one.expect.matchedRouteId === null) {
      expect(call.routingFailureStatus).toBe(one.expect.status);
      return;
    }
    if (one.expect.params !== undefined)
      expect(Object.fromEntries(call.pathParameters)).toEqual(one.expect.params);
    if (one.expect.callParams !== undefined)
      expect(Object.fromEntries(call.allParameters)).toEqual(one.expect.callParams);
  });
});

interface Tree {
  readonly selector: SelectorDefinition;
  readonly children: readonly Tree[];
}

function treeOf(route: Route): readonly Tree[] {
  return route.children.map((child) => ({ selector: definitionOf(child.selector), children: treeOf(child) }));
}

describe('vectors routing-build', () => {
  const vectors = readVectors<{
    templates: { template: string; selectors?: SelectorDefinition[]; error?: string }[];
    structure: { name: string; builds: RouteDefinition[][]; expectTree: Tree[] }[];
    display: { chain: string[]; toString: string }[];
    allRoutes: { routes: RouteDefinition[]; expectStringsAsSet: string[] }[];
    pathProperty: { routes: RouteDefinition[]; expectPathsAsSet: string[] }[];
  }>('routing-build');
  const newRoot = () => routing(new Application(applicationEnvironment()));

  it.each(vectors.templates)('pattern $template', ({ template, selectors, error }) => {
    if (error !== undefined) expect(() => parsePattern(template)).toThrow(PorticoError);
    else
      expect(parsePattern(template).map(definitionOf)).toEqual(
        selectors?.map((one) => (one.type === 'tailcard' ? { ...one, prefix: one.prefix ?? '' } : one)),
      );
  });

  it.each(vectors.structure)('$name', ({ builds, expectTree }) => {
    for (const definitions of builds) {
      const root = newRoot();
      buildRoutes(root, definitions, () => undefined);
      expect(treeOf(root)).toEqual(expectTree);
    }
  });

  it.each(vectors.display)('text of $chain', (one) => {
    let route: Route = newRoot();
    for (const text of one.chain)
      route = route.createChild(
        text === '<slash>' ? selectorOf({ type: 'trailingSlash' }) : new ConstantSelector(text),
      );
    expect(route.toString()).toBe(one.toString);
  });

  it.each(vectors.allRoutes)('texts of all routes', ({ routes, expectStringsAsSet }) => {
    const root = newRoot();
    buildRoutes(root, routes, (route) => route.handle(() => undefined));
    expect(allRoutes(root).map(String).sort()).toEqual([...expectStringsAsSet].sort());
  });

  it.each(vectors.pathProperty)('paths of all routes', ({ routes, expectPathsAsSet }) => {
    const root = newRoot();
    buildRoutes(root, routes, (route) => route.handle(() => undefined));
    // The vectors write the path of the root itself as '/'; here it is '' so that paths can be joined.
    const paths = allRoutes(root).map((route) => route.path);
    expect([...new Set(paths)].sort()).toEqual([...expectPathsAsSet].sort());
  });
});

describe('vectors routing-selector-eval', () => {
  const { cases, qualities } = readVectors<{
    cases: {
      source: string;
      segments: string[];
      segmentIndex: number;
      name: string;
      prefix: string | null;
      suffix: string | null;
      optional: boolean;
      expect: {
        result: string;
        quality?: number;
        params?: object;
        segmentIncrement?: number;
        status?: number;
      };
    }[];
    qualities: Record<string, number>;
  }>('routing-selector-eval');

  it.each(cases)('$source', (one) => {
    const Selector = one.optional ? OptionalParameterSelector : ParameterSelector;
    const selector = new Selector(one.name, one.prefix ?? undefined, one.suffix ?? undefined);
    const call = callFor(new Application(applicationEnvironment()), {
      method: 'GET',
      path: '/',
      headers: {},
    });
    const subject = { segments: one.segments, call, ignoresTrailingSlash: false };
    const found = selector.evaluate(subject, one.segmentIndex);
    const { result, ...expected } = one.expect;
    expect(
      found.isMatch
        ? {
            quality: found.quality,
            params: Object.fromEntries(found.parameters ?? []),
            segmentIncrement: found.segmentIncrement,
          }
        : { status: found.status },
    ).toEqual(expected);
    expect(found.isMatch ? 'success' : 'failure').toBe(result);
  });

  it('has the same constants', () => {
    expect(qualities).toEqual({
      constant: Quality.CONSTANT,
      queryParameter: Quality.QUERY_PARAMETER,
      parameterWithPrefixOrSuffix: Quality.PARAMETER_WITH_PREFIX_OR_SUFFIX,
      parameter: Quality.PARAMETER,
      wildcard: Quality.WILDCARD,
      missing: Quality.MISSING,
      tailcard: Quality.TAILCARD,
      transparent: Quality.TRANSPARENT,
      failedMethod: Quality.FAILED_METHOD,
      failedParameter: Quality.FAILED_PARAMETER,
      failedPath: Quality.FAILED_PATH,
    });
  });
});

interface EncodeOptions {
  readonly full?: boolean;
  readonly spaceToPlus?: boolean;
}

function encoded(fn: string, input: string, options: EncodeOptions): string {
  if (fn === 'encodePath') return encodePath(input);
  if (fn === 'encodeQueryComponent') return encodeQuery(input, options);
  if (fn === 'encodeParameter') return encodeParameter(input, options);
  throw new Error(`no function ${fn}`);
}

describe('vectors path-decoding', () => {
  const vectors = readVectors<{
    segments: { path: string; ignoreTrailingSlash: boolean; segments?: string[]; error?: string }[];
    decode: { fn: string; plusIsSpace: boolean; input: string; expected?: string; error?: string }[];
  }>('path-decoding');

  it.each(vectors.segments)('segments of $path', ({ path, ignoreTrailingSlash, segments, error }) => {
    if (error !== undefined) expect(() => pathSegments(path, ignoreTrailingSlash)).toThrow(BadRequestError);
    else expect(pathSegments(path, ignoreTrailingSlash)).toEqual(segments);
  });

  it.each(vectors.decode)('decoding of $input', ({ plusIsSpace, input, expected, error }) => {
    if (error !== undefined) expect(() => decodePercent(input, plusIsSpace)).toThrow(BadRequestError);
    else expect(decodePercent(input, plusIsSpace)).toBe(expected);
  });
});

describe('vectors path-decoding, the other way', () => {
  const { encode, normalizeComponents } = readVectors<{
    encode: { fn: string; options: EncodeOptions; input: string; expected: string }[];
    normalizeComponents: { input: string[]; expected: string[] }[];
  }>('path-decoding');

  it.each(encode)('$fn of $input', ({ fn, options, input, expected }) => {
    expect(encoded(fn, input, options)).toBe(expected);
  });

  it.each(normalizeComponents)('path of $input', ({ input, expected }) => {
    expect(normalizePathComponents(input)).toEqual(expected);
  });
});

describe('vectors query-parsing', () => {
  const vectors = readVectors<{
    cases: { query: string; startIndex: number; limit: number; expect: Record<string, string[]> }[];
    formEncode: { entries: [string, string[]][]; expect: string }[];
    serverView: {
      cases: {
        target: string;
        expect: { path: string; queryString: string; uri: string; document: string };
      }[];
    };
  }>('query-parsing');

  it.each(vectors.cases)('query $query', ({ query, startIndex, limit, expect: expected }) => {
    expect(Object.fromEntries(parseQuery(query.slice(startIndex), limit))).toEqual(expected);
  });

  it.each(vectors.formEncode)('form $expect', ({ entries, expect: expected }) => {
    expect(formUrlEncode(entries)).toBe(expected);
    expect([...parseForm(expected)]).toEqual(entries);
  });

  it.each(vectors.serverView.cases)('request of $target', ({ target, expect: expected }) => {
    const application = new Application(applicationEnvironment());
    const exchange = new TestExchange({ method: 'GET', target, headers: [], body: undefined });
    const { request } = new ApplicationCall(application, exchange);
    const { path, queryString, uri, document } = request;
    expect({ path, queryString, uri, document }).toEqual(expected);
  });
});
