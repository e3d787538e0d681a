import { expect, it } from '@jest/globals';
import type {
  AnyPathParameters,
  GroupParameters,
  NestedParameters,
  PathParameters,
  WithOptionalParameter,
  WithParameter,
} from 'portico';
import { routing } from 'portico';
import { testApplication } from 'portico/testing';

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<T extends true>(is: T): T {
  return is;
}

it('gives the types of path parameters from the pattern', () => {
  expect([
    same<Same<PathParameters<'/users/{id}'>, { readonly id: string }>>(true),
    same<
      Same<
        PathParameters<'/users/{id}/{tab?}/{rest...}'>,
        { readonly id: string; readonly tab?: string; readonly rest: readonly string[] }
      >
    >(true),
    same<Same<PathParameters<'/v{version}.json'>, { readonly version: string }>>(true),
    same<Same<keyof PathParameters<'/plain/*/{...}'>, never>>(true),
    same<Same<PathParameters<string>, AnyPathParameters>>(true),
    same<Same<NestedParameters<{ readonly a: string }, '/{b}'>, { readonly a: string; readonly b: string }>>(
      true,
    ),
    same<
      Same<PathParameters<'/users/{id}/{rest...}'>, { readonly id: string; readonly rest: readonly string[] }>
    >(true),
    same<Same<PathParameters<'/a{id?}b/'>, { readonly id?: string }>>(true),
    same<Same<PathParameters<'/pre{rest...}'>, { readonly rest: readonly string[] }>>(true),
    same<
      Same<
        NestedParameters<PathParameters<'/{a}/x{b?}'>, '/v{c}.json/{d...}'>,
        {
          readonly a: string;
          readonly b?: string;
          readonly c: string;
          readonly d: readonly string[];
        }
      >
    >(true),
    same<Same<PathParameters<RegExp>, GroupParameters>>(true),
    same<Same<WithParameter<{ readonly a: string }, 'b'>, { readonly a: string; readonly b: string }>>(true),
    same<Same<WithOptionalParameter<unknown, 'b'>, { readonly b?: string }>>(true),
  ]).toEqual(Array(13).fill(true));
});

it('types what selectors and regular expressions add', async () => {
  const application = await testApplication((app) => {
    routing(app, (r) => {
      r.param('page', (paged) => {
        paged.get('/list/{kind}', ({ parameters }) => {
          const page: string = parameters.page;
          const kind: string = parameters.kind;
          // @ts-expect-error nobody has declared this one
          const other: unknown = parameters.other;
          return [page, kind, other === undefined];
        });
      });
      r.optionalParam('q').get('/search', ({ parameters }) => {
        // @ts-expect-error it may be missing
        const wrong: string = parameters.q;
        const right: string | undefined = parameters.q;
        return [wrong === right, right ?? 'none'];
      });
      r.param('fixed', 'value').get('/fixed', ({ parameters }) => {
        // @ts-expect-error a fixed value is no parameter
        const fixed: unknown = parameters.fixed;
        return fixed === undefined;
      });
      r.route('/{list...}', (list) => {
        list.get(/(?<never>x)/, ({ parameters }) => {
          const own: readonly string[] = parameters.list;
          const group: string | undefined = parameters['never'];
          return [own, group];
        });
      });
    });
  });
  const read = async (target: string): Promise<unknown> => (await application.client.get(target)).json();
  expect(await read('/list/books?page=3')).toEqual(['3', 'books', true]);
  expect(await read('/search?q=x')).toEqual([true, 'x']);
  expect(await read('/search')).toEqual([true, 'none']);
  expect(await read('/fixed?fixed=value')).toBe(true);
  await application.stop();
});

it('has these values in handlers, also in nested routes', async () => {
  const application = await testApplication((app) => {
    routing(app, (r) => {
      r.route('/users/{id}', (user) => {
        user.get('/{tab?}', (call) => {
          const id: string = call.parameters.id;
          const tab: string | undefined = call.parameters.tab;
          // @ts-expect-error the pattern has no such parameter
          const other: unknown = call.parameters.other;
          return [id, tab ?? 'none', other === undefined];
        });
        user.get('/files/{rest...}', (call) => {
          const rest: readonly string[] = call.parameters.rest;
          return [call.parameters.id, ...rest];
        });
      });
    });
  });
  const read = async (target: string): Promise<unknown> => (await application.client.get(target)).json();
  expect(await read('/users/7')).toEqual(['7', 'none', true]);
  expect(await read('/users/7/posts')).toEqual(['7', 'posts', true]);
  expect(await read('/users/7/files/a/b')).toEqual(['7', 'a', 'b']);
  await application.stop();
});
