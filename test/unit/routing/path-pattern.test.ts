import { describe, expect, it } from '@jest/globals';
import { Application, applicationEnvironment, type PorticoError, routing, select } from 'portico';
import { parsePattern } from '#host/routing/path-pattern.js';

function errorOf(action: () => unknown): PorticoError {
  try {
    action();
  } catch (error) {
    return error as PorticoError;
  }
  throw new Error('nothing was thrown');
}

describe('a pattern that cannot be used', () => {
  it.each([
    ['/a/{id', 'brace without its partner'],
    ['/a/id}', 'brace without its partner'],
    ['/a/}id{', 'brace without its partner'],
    ['/a/{x}-{y}', 'more than one parameter'],
    ['/a/{{x}}', 'more than one parameter'],
    ['/a/{}', 'without a name'],
    ['/a/{?}', 'without a name'],
    ['/a/{x...}y', 'behind what takes everything'],
    ['/a/%zz', '% without two hexadecimal digits'],
    ['/a/100%', '% without two hexadecimal digits'],
    ['/a/:id', 'write {id} for a parameter'],
    ['/a/?q=1', 'made with param()'],
    ['/a/b#c', 'made with param()'],
  ])('%s is refused with the pattern and the place', (pattern, reason) => {
    const { code, message } = errorOf(() => parsePattern(pattern));
    expect(code).toBe('PORTICO_ROUTE_PATTERN');
    expect(message).toContain(JSON.stringify(pattern));
    expect(message).toContain('at character 4 ');
    expect(message).toContain(reason);
  });

  it('is refused when it is neither a text nor a regular expression', () => {
    expect(errorOf(() => parsePattern(42 as never))).toMatchObject({ code: 'PORTICO_ROUTE_PATTERN' });
  });

  it('may have braces as themselves when they are encoded', () => {
    expect(parsePattern('/%7Ba%7D').map(String)).toEqual(['{a}']);
  });
});

describe('a route that cannot match', () => {
  const root = () => routing(new Application(applicationEnvironment()));

  it.each<[string, () => unknown]>([
    ['a method in another case', () => root().method('get')],
    ['no method', () => root().method(undefined as never)],
    ['a method that is no word', () => root().method('MY METHOD')],
    ['no type it accepts', () => root().accept()],
    ['no content type', () => root().contentType()],
    ['a header without a name', () => root().header('', 'x')],
    ['a header that can have no name', () => root().header('a b', 'x')],
    ['a header without a value', () => root().header('X-Beta', undefined as never)],
    ['a value of a parameter that is no text', () => root().param('page', 5 as never)],
    ['a host with its port', () => root().host('shop.example:8080')],
    ['a host with a star', () => root().host('*.shop.example')],
    ['an address without its brackets', () => root().host('::1')],
    ['anything behind what takes everything', () => root().route('/files/{path...}/edit')],
  ])('%s is refused', (_, action) => {
    expect(errorOf(action)).toMatchObject({ code: 'PORTICO_ROUTE_PATTERN' });
  });

  it('no selector is refused', () => {
    expect(errorOf(() => root().createChild(undefined as never))).toMatchObject({
      code: 'PORTICO_NOT_A_FUNCTION',
    });
  });

  it('methods of any other name, and constants with a colon inside, are fine', () => {
    expect(root().method('QUERY').toString()).toBe('/(method:QUERY)');
    expect(root().method('lock').toString()).toBe('/(method:lock)');
    expect(parsePattern('/items:batch/%3Aid').map(String)).toEqual(['items:batch', ':id']);
  });
});

describe('a root path', () => {
  it('is refused when it is no text', () => {
    expect(errorOf(() => applicationEnvironment({ rootPath: 5 as never }))).toMatchObject({
      code: 'PORTICO_ROOT_PATH',
    });
  });

  it.each(['/{a}', '/a/*', '/a{b', '/{a...}'])('%s is refused', (rootPath) => {
    const application = new Application(applicationEnvironment({ rootPath }));
    expect(errorOf(() => routing(application))).toMatchObject({ code: 'PORTICO_ROUTE_PATTERN' });
  });
});

describe('a selector that cannot be used', () => {
  it('is refused without a host and a port', () => {
    expect(errorOf(() => select.host({}))).toMatchObject({ code: 'PORTICO_ROUTE_PATTERN' });
  });

  it.each([
    ['a port that is none', () => routing(new Application(applicationEnvironment())).port('x' as never)],
    ['a port beyond the last', () => routing(new Application(applicationEnvironment())).port(70_000)],
    ['an empty host', () => routing(new Application(applicationEnvironment())).host('')],
    ['a host that is none', () => routing(new Application(applicationEnvironment())).host(5 as never)],
    ['a local port below the first', () => routing(new Application(applicationEnvironment())).localPort(-1)],
    ['a parameter without a name', () => routing(new Application(applicationEnvironment())).param('')],
    [
      'an optional parameter without a name',
      () => routing(new Application(applicationEnvironment())).optionalParam('' as string),
    ],
    [
      'nothing that is to be true together',
      () => routing(new Application(applicationEnvironment())).and([] as never),
    ],
    [
      'nothing of which one is to be true',
      () => routing(new Application(applicationEnvironment())).or([] as never),
    ],
  ])('is refused with %s', (_, action) => {
    expect(errorOf(action)).toMatchObject({ code: 'PORTICO_ROUTE_PATTERN' });
  });

  it('is refused with a media type that is none', () => {
    expect(errorOf(() => select.accept('html'))).toMatchObject({ code: 'PORTICO_BAD_CONTENT_TYPE' });
    expect(errorOf(() => select.contentType(''))).toMatchObject({ code: 'PORTICO_BAD_CONTENT_TYPE' });
  });
});
