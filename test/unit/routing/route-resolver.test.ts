import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Application } from '#host/application/application.js';
import { ApplicationCall } from '#host/application/application-call.js';
import { applicationEnvironment } from '#host/application/environment.js';
import { TestExchange } from '#host/engine/test/test-exchange.js';
import { pathSegments } from '#host/routing/path-segments.js';
import type { Route } from '#host/routing/route.js';
import { RouteResolver } from '#host/routing/route-resolver.js';
import { RouteTrace } from '#host/routing/route-trace.js';
import { routing } from '#host/routing/routing-root.js';
import { plainResolve } from '#test/support/plain-resolve.js';
import { buildRoutes, type RouteDefinition } from '#test/support/route-definitions.js';

const part = fc.constantFrom('a', 'b', 'ab');
const paths = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: part },
      fc.constantFrom('{p}', '{q}', 'a{p}', '{p}b', '{o?}', '*', '{t...}', '{...}', 'a{t...}'),
    ),
    { minLength: 1, maxLength: 2 },
  )
  // What needs a segment is refused behind what takes all of them.
  .filter(([first = '', second = '...']) => !first.includes('...') || /\?|\.\.\./.test(second))
  .chain((pieces) => fc.constantFrom(`/${pieces.join('/')}`, `/${pieces.join('/')}/`));
const selectors = fc.constantFrom(
  { type: 'transparent' },
  { type: 'transparent', unique: 1 },
  { type: 'lowPriority' },
  { type: 'param', name: 'k' },
  { type: 'param', name: 'k', value: '1' },
  { type: 'optionalParam', name: 'k' },
  { type: 'header', name: 'x', value: 'y' },
  { type: 'accept', types: ['text/html'] },
  { type: 'contentType', types: ['text/html'] },
  { type: 'localPort', port: 80 },
  { type: 'regex', pattern: '/?a(?<rest>.*)' },
);
const { trees } = fc.letrec<{ trees: RouteDefinition[] }>((tie) => ({
  trees: fc.array(
    fc
      .record({
        path: fc.option(paths, { nil: undefined }),
        selector: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, selectors),
        method: fc.constantFrom(undefined, undefined, 'GET', 'POST'),
        handler: fc.option(fc.constant('h'), { nil: undefined }),
        routes: fc.oneof({ depthSize: 'medium', withCrossShrink: true }, fc.constant([]), tie('trees')),
      })
      .map((node) => node as RouteDefinition),
    { minLength: 1, maxLength: 6, size: 'large' },
  ),
}));
const requests = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'PUT'),
  path: fc
    .array(part, { maxLength: 3 })
    .chain((pieces) => fc.constantFrom(`/${pieces.join('/')}`, `/${pieces.join('/')}/`)),
  query: fc.constantFrom('', '?k', '?k=1', '?k=2'),
  headers: fc.constantFrom<string[]>(
    [],
    ['x', 'y;q=0.4'],
    ['accept', 'text/*;q=0.3'],
    ['accept', 'image/png'],
    ['content-type', 'text/html'],
  ),
  ignoresSlash: fc.boolean(),
});

function subjectOf(
  application: Application,
  { method, path, query, headers, ignoresSlash }: typeof requests extends fc.Arbitrary<infer T> ? T : never,
) {
  const exchange = new TestExchange({ method, target: path + query, headers, body: undefined });
  const call = new ApplicationCall(application, exchange);
  return { call, segments: pathSegments(path, ignoresSlash), ignoresTrailingSlash: ignoresSlash };
}

function sameTexts(own: readonly string[], other: readonly string[]): boolean {
  return [...own].sort().join('\n') === [...other].sort().join('\n');
}

describe('RouteResolver', () => {
  it('finds what the plain depth-first search finds, with and without a trace', () => {
    let found = 0;
    fc.assert(
      fc.property(trees, fc.array(requests, { minLength: 1, maxLength: 8 }), (definitions, all) => {
        const application = new Application(applicationEnvironment());
        const root: Route = routing(application);
        buildRoutes(root, definitions, (route) => route.handle(() => undefined));
        for (const request of all) {
          const subject = subjectOf(application, request);
          const plain = plainResolve(root, subject);
          const { call, segments, ignoresTrailingSlash } = subject;
          for (const trace of [undefined, new RouteTrace(call, segments)]) {
            const resolved = new RouteResolver(call, segments, ignoresTrailingSlash, trace).resolve(root);
            const isFound = resolved.route !== undefined;
            if (isFound) found++;
            const parameters = isFound
              ? [...resolved.all()].map(([name, values]) => `${name}=${values.join('|')}`)
              : [];
            const isSame =
              resolved.route === plain.route &&
              (isFound || resolved.status === plain.status) &&
              (parameters.length !== plain.parameters.length || sameTexts(parameters, plain.parameters));
            // A single expectation where it fails: thousands of them take longer than what they look at.
            if (!isSame)
              expect({ isSame, route: String(resolved.route), parameters }).toEqual({
                ...plain,
                isSame: true,
                route: String(plain.route),
              });
          }
        }
      }),
      { numRuns: 200 },
    );
    // The trees must be such that something is found.
    expect(found).toBeGreaterThan(50);
  });
});
