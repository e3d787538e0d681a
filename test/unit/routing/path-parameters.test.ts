import { expect, it } from '@jest/globals';
import type { AnyPathParameters, NestedParameters, PathParameters } from 'portico';
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
  ]).toEqual([true, true, true, true, true, true]);
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
