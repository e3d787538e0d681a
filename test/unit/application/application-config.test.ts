import { describe, expect, it } from '@jest/globals';
import { applicationEnvironment, ConsoleLog, Events, MapApplicationConfig, ObjectConfig } from 'portico';

const tree = {
  a: {
    port: '8080',
    wait: '30s',
    body: '10MiB',
    on: 'true',
    no: null,
    list: ['x', 2],
    deep: { one: 1, none: null },
  },
  users: [{ name: 'ann' }, { name: 'bob' }],
  numbered: { 1: 'b', 0: 'a' },
};
const config = new ObjectConfig(tree, { 'a.port': 'application.yaml:3', 'a.wait': 'application.yaml:4' });

describe('ApplicationConfig', () => {
  it('gives numbers, truth values, durations and sizes, also when they were written as text', () => {
    expect(config.property('a.port').getNumber()).toBe(8080);
    expect(config.property('a.on').getBoolean()).toBe(true);
    expect(config.property('a.wait').getDurationMs()).toBe(30_000);
    expect(config.property('a.body').getBytes()).toBe(10_485_760);
  });

  it('names path, value, need and place when a value does not fit', () => {
    const code = 'PORTICO_PROPERTY_TYPE';
    const failing = (action: () => unknown, message: string) =>
      expect(action).toThrow(expect.objectContaining({ code, message }));
    const wait = config.property('a.wait');
    failing(() => wait.getNumber(), 'Property a.wait is "30s", but a number is needed (application.yaml:4).');
    failing(
      () => wait.getBoolean(),
      'Property a.wait is "30s", but true or false is needed (application.yaml:4).',
    );
    failing(
      () => config.property('users').getMap(),
      `Property users is ${JSON.stringify(tree.users)}, but a section with keys and values is needed.`,
    );
    expect(() => config.property('a.port').getDurationMs()).toThrow(
      /a\.port: "8080" has no unit.*did you mean "8080s".*application\.yaml:3/,
    );
    expect(() => config.property('a.deep').getString()).toThrow(/a single value is needed/);
    expect(() => config.property('a.deep').getList()).toThrow(/a list is needed/);
  });

  it('tells types, and counts null as nothing', () => {
    expect(
      ['a', 'a.port', 'a.list', 'a.no', 'none'].map((path) => config.propertyOrNull(path)?.type),
    ).toEqual(['OBJECT', 'SINGLE', 'LIST', undefined, undefined]);
    expect(config.config('a.deep').keys()).toEqual(['one']);
    expect(config.property('a.deep').getMap()).toEqual({ one: '1' });
  });

  it('finds elements of lists, and takes a section of numbers for a list', () => {
    expect(config.property('users.1.name').getString()).toBe('bob');
    expect(config.configList('users').map((user) => user.property('name').getString())).toEqual([
      'ann',
      'bob',
    ]);
    expect(config.property('numbered').getList()).toEqual(['a', 'b']);
    expect(() => config.configList('a.port')).toThrow('Property a.port not found.');
    expect(() => config.configList('users')[1]?.property('age')).toThrow('Property users.1.age not found.');
  });

  it('finds only whole segments and own properties', () => {
    for (const path of ['a.por', 'a.port.x', 'toString', 'a.list.length', ''])
      expect(config.propertyOrNull(path)).toBeUndefined();
  });

  it('has one section with two names', () => {
    for (const root of [{ ktor: { x: 1 } }, { portico: { x: 1 } }]) {
      const one = new ObjectConfig(root);
      expect([one.property('ktor.x').getString(), one.config('portico').property('x').getString()]).toEqual([
        '1',
        '1',
      ]);
      expect(one.keys()).toEqual(['portico.x']);
    }
    const both = new ObjectConfig({ ktor: { x: 1, y: 1 }, portico: { x: 2 } }, { 'ktor.y': 'f:1' });
    expect(both.toMap()).toEqual({ portico: { x: '2', y: '1' } });
    expect(both.property('portico.y').origin).toBe('f:1');
    expect(new ObjectConfig({ app: { ktor: { x: 1 } } }).property('app.ktor.x').getString()).toBe('1');
  });

  it('merges over more than two, with the origin of the one that won', () => {
    const merged = config
      .mergeWith(new MapApplicationConfig({ a: { port: '1' } }, 'environment'))
      .mergeWith(new MapApplicationConfig([['a.port', '2']], 'command line'));
    expect(merged.property('a.port')).toMatchObject({ value: '2', origin: 'command line' });
    expect(merged.property('a.wait').origin).toBe('application.yaml:4');
    expect(merged.config('a').property('port').getNumber()).toBe(2);
    expect(merged.property('a').getMap()).toMatchObject({ port: '2', wait: '30s' });
    expect(() => merged.config('a').property('none')).toThrow('Property a.none not found.');
    expect(() => merged.configList('none')).toThrow('Property none not found.');
  });

  it('returns the other side when one is empty', () => {
    const empty = new MapApplicationConfig();
    expect([empty.mergeWith(config), config.mergeWith(empty), config.withFallback(empty)]).toEqual([
      config,
      config,
      config,
    ]);
    expect(empty.mergeWith(config)).toBe(config);
  });
});

describe('MapApplicationConfig', () => {
  it('is live: what is put into a part is in the whole, whatever the section is called', () => {
    const map = new MapApplicationConfig();
    const part = map.config('ktor.deployment');
    part.put('port', '1');
    part.put('hosts', ['a', 'b']);
    expect(map.property('portico.deployment.port').getNumber()).toBe(1);
    expect(part.property('hosts').getList()).toEqual(['a', 'b']);
    expect(part.toMap()).toEqual({ port: '1', hosts: ['a', 'b'] });
    part.put('hosts', ['c']);
    expect(map.property('portico.deployment.hosts').getList()).toEqual(['c']);
  });

  it('takes nested data, and keeps a key that is called size', () => {
    const map = new MapApplicationConfig({
      image: { size: 5, name: 'x' },
      users: [{ name: 'ann' }],
      none: null,
    });
    expect(map.toMap()).toEqual({ image: { size: '5', name: 'x' }, users: [{ name: 'ann' }] });
    expect(map.configList('users')[0]?.property('name').getString()).toBe('ann');
  });
});

describe('applicationEnvironment', () => {
  it('fills in defaults and cannot be changed', () => {
    const environment = applicationEnvironment();
    expect(environment).toMatchObject({
      rootPath: '',
      connectors: [],
      modules: [],
      watchPaths: [],
      developmentMode: false,
    });
    expect(environment.monitor).toBeInstanceOf(Events);
    expect(() => Object.assign(environment, { rootPath: '/x' })).toThrow(TypeError);
    expect(() => (environment.watchPaths as string[]).push('x')).toThrow(TypeError);
  });

  it('takes everything that is said, and is itself something that can be said', () => {
    const log = new ConsoleLog('silent');
    const connectors = [{ scheme: 'http', host: '::1', port: 0 }] as const;
    const first = applicationEnvironment({
      log,
      connectors,
      watchPaths: ['dist'],
      rootPath: 'shop/',
      config: { ktor: { development: 'true' } },
    });
    expect(first).toMatchObject({
      connectors,
      watchPaths: ['dist'],
      rootPath: '/shop',
      developmentMode: true,
    });
    expect(applicationEnvironment(first)).toEqual(first);
    expect(applicationEnvironment({ ...first, developmentMode: false }).developmentMode).toBe(false);
    expect(() => applicationEnvironment({ config: { portico: { development: 'maybe' } } })).toThrow(
      /development is "maybe"/,
    );
  });
});
