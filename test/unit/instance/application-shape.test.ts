import { createServer } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { describeExports } from '#host/engine/modules/exported-value.js';
import { findApplication } from '#host/instance/application-shape.js';

const handler = (_req: unknown, res: { end(): void }): void => res.end();
const fetch = (): Response => new Response('hi');
const hostile = new Proxy(
  {},
  {
    get() {
      throw new Error('trap');
    },
  },
);

/** what it is, exports, kind that is found */
const EXPORTS: readonly (readonly [string, Record<string, unknown>, string | undefined])[] = [
  ['a handler', { default: handler }, 'listener'],
  [
    'an Express-like app',
    { default: Object.assign((_a: unknown, _b: unknown, _c: unknown) => undefined, { listen: handler }) },
    'listener',
  ],
  ['a named app', { app: handler, version: 1 }, 'listener'],
  ['a named handler', { handler }, 'listener'],
  ['a Koa-like app', { default: { middleware: [], callback: () => handler } }, 'listener'],
  [
    'a Fastify-like app with HTTP/2',
    { app: { ready: async () => undefined, routing: handler, server: {} } },
    'listener',
  ],
  ['a fetch object', { default: { fetch } }, 'fetch'],
  ['a fetch function', { fetch }, 'fetch'],
  ['an http.Server', { server: createServer() }, 'server'],
  ['a promise', { default: Promise.resolve(handler) }, 'listener'],
  ['transpiled exports', { default: { default: handler } }, 'listener'],
  ['CommonJS exports', { default: { app: handler } }, 'listener'],
  ['nothing', {}, undefined],
  ['a class', { default: class Handler {} }, undefined],
  ['a function with one parameter', { default: (_one: unknown) => undefined }, undefined],
  ['null', { default: null }, undefined],
  ['a hostile proxy', { default: hostile }, undefined],
];

describe('findApplication', () => {
  it.each(EXPORTS)('looks at %s', async (_name, exports, kind) => {
    expect((await findApplication(exports))?.kind).toBe(kind);
  });

  it('calls fetch on its object', async () => {
    const app = {
      name: 'app',
      fetch() {
        return new Response(this.name);
      },
    };
    const shape = await findApplication({ default: app });
    if (shape?.kind !== 'fetch') throw new Error(`found ${shape?.kind}`);
    expect(await (await shape.fetch(new Request('http://a/'))).text()).toBe('app');
  });

  it('passes on what a promise rejects with', async () => {
    await expect(findApplication({ default: Promise.reject(new Error('no database')) })).rejects.toThrow(
      'no database',
    );
  });
});

it('describes exports for a message', () => {
  expect(describeExports({ default: class A {}, start: (a: unknown) => a, version: 2, nothing: null })).toBe(
    'default (class), start (function with 1 parameter), version (number), nothing (null)',
  );
  expect(describeExports({})).toBe('nothing');
});
