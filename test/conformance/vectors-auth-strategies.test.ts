import { describe, expect, it } from '@jest/globals';
import { type ApplicationCall, type Route, routing } from 'portico';
import {
  Authentication,
  type AuthenticationProvider,
  type AuthenticationStrategy,
  authenticate,
  basic,
  form,
  principalOrNull,
} from 'portico/plugins/authentication';
import { testApplication } from 'portico/testing';
import { readVectors } from '#test/support/vectors.js';

interface Credentials {
  readonly user: string;
  readonly password: string;
}
interface StrategyCase {
  readonly name: string;
  readonly providers: readonly {
    readonly name: string | null;
    readonly type: 'form' | 'basic' | 'error' | 'errorChallenge';
    readonly accepts?: readonly string[];
  }[];
  readonly nest: readonly {
    readonly providers: readonly (string | null)[];
    readonly strategy: 'Required' | 'FirstSuccessful' | 'Optional';
  }[];
  readonly requests: readonly {
    readonly credentials: { readonly form?: Credentials; readonly basic?: Credentials };
    readonly expect: { readonly status: number; readonly principals?: Record<string, string | null> };
  }[];
}

const { cases } = readVectors<{ cases: readonly StrategyCase[] }>('auth-strategies');

const STRATEGIES: Readonly<Record<string, AuthenticationStrategy>> = {
  Required: 'required',
  FirstSuccessful: 'first-successful',
  Optional: 'optional',
};
const nameOf = (name: string | null) => name ?? 'default';

function providerOf({
  name,
  type,
  accepts = [],
}: StrategyCase['providers'][number]): AuthenticationProvider<string> {
  const validate = (credentials: { name: string }) =>
    accepts.includes(credentials.name) ? credentials.name : undefined;
  if (type === 'form') return form(nameOf(name), { validate });
  if (type === 'basic') return basic(nameOf(name), { validate });
  const challenge = (call: ApplicationCall) => call.respondStatus(401);
  return {
    name: nameOf(name),
    authenticate: () => ({
      failure: 'error',
      challenge: type === 'errorChallenge' ? challenge : undefined,
    }),
  };
}

function nest(
  route: Route<unknown>,
  blocks: StrategyCase['nest'],
  leaf: (route: Route<unknown>) => void,
): void {
  const [block, ...inner] = blocks;
  if (block === undefined) {
    leaf(route);
    return;
  }
  const strategy = STRATEGIES[block.strategy] ?? 'required';
  authenticate(route, block.providers.map(nameOf), { strategy }, (r) => nest(r, inner, leaf));
}

describe('auth-strategies', () => {
  it.each(cases)('$name', async ({ providers: definitions, nest: blocks, requests }) => {
    const providers = definitions.map(providerOf);
    const application = await testApplication((app) => {
      app.install(Authentication, (config) => {
        for (const provider of providers) config.provider(provider);
      });
      routing(app, (route) =>
        nest(route, blocks, (r) =>
          r.post('/', (call) =>
            call.respondJson(
              Object.fromEntries(providers.map((one) => [one.name, principalOrNull(call, one) ?? null])),
            ),
          ),
        ),
      );
    });
    for (const { credentials, expect: expected } of requests) {
      const { basic: named, form: fields } = credentials;
      const response = await application.client.post('/', {
        ...(fields === undefined ? {} : { form: { ...fields } }),
        headers:
          named === undefined
            ? {}
            : { Authorization: `Basic ${Buffer.from(`${named.user}:${named.password}`).toString('base64')}` },
      });
      expect(response.status).toBe(expected.status);
      if (expected.principals !== undefined) expect(await response.json()).toEqual(expected.principals);
    }
    await application.stop();
  });
});
