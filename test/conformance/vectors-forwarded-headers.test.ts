import { describe, expect, it } from '@jest/globals';
import { type Application, routing } from 'portico';
import { ForwardedHeaders, type ProxyRules, XForwardedHeaders } from 'portico/plugins/forwarded-headers';
import { testApplication } from 'portico/testing';
import { readVectors } from '#test/support/vectors.js';

interface ForwardedCase {
  readonly name: string;
  readonly plugin: 'XForwardedHeaders' | 'ForwardedHeaders' | 'none';
  readonly strategy: {
    readonly use?: 'first' | 'last';
    readonly skipLast?: number;
    readonly skipKnown?: readonly string[];
  } | null;
  readonly connection: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly expect: Readonly<Record<string, unknown>>;
}

const { cases } = readVectors<{ cases: readonly ForwardedCase[] }>('forwarded-headers');

function install(application: Application, { plugin, strategy }: ForwardedCase): void {
  const configure = (rules: ProxyRules): void => {
    if (strategy?.use === 'first') rules.useFirstProxy();
    else if (strategy?.use === 'last') rules.useLastProxy();
    else if (strategy?.skipLast !== undefined) rules.skipLastProxies(strategy.skipLast);
    else if (strategy?.skipKnown !== undefined) rules.skipKnownProxies(strategy.skipKnown);
  };
  if (plugin === 'XForwardedHeaders') application.install(XForwardedHeaders, configure);
  if (plugin === 'ForwardedHeaders') application.install(ForwardedHeaders, configure);
}

describe('forwarded-headers', () => {
  it.each(cases)('$plugin $name $headers', async (one) => {
    let seen: Record<string, unknown> = {};
    const application = await testApplication((app) => {
      install(app, one);
      routing(app, (r) =>
        r.get('/', ({ request: { origin, local } }) => {
          // The client of the vectors is called localhost; here it has the address of the test connection.
          const named = (value: string) =>
            value === local.remoteHost ? one.connection['remoteHost'] : value;
          seen = {
            scheme: origin.scheme,
            serverHost: origin.serverHost,
            serverPort: origin.serverPort,
            remoteHost: named(origin.remoteHost),
            remoteAddress: named(origin.remoteAddress),
            localPort: one.connection['localPort'],
          };
          return 'ok';
        }),
      );
    });
    await application.client.get('/', { headers: one.headers });
    await application.stop();
    expect(seen).toMatchObject(one.expect);
  });
});
