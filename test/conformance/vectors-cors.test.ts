import { describe, expect, it } from '@jest/globals';
import { type Application, type Route, routing } from 'portico';
import { CORS, type CorsConfig } from 'portico/plugins/cors';
import { testApplication } from 'portico/testing';
import { isValidOrigin, normalizeOrigin } from '#host/plugins/cors/origin.js';
import { readVectors } from '#test/support/vectors.js';

type Operation = readonly [name: string, ...rest: readonly unknown[]];
interface CorsCase {
  readonly name: string;
  readonly install: readonly { readonly at: string; readonly config: readonly Operation[] }[];
  readonly routes: readonly { readonly method: string; readonly path: string; readonly text: string }[];
  readonly requests: readonly {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly expect: {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string | null>>;
      readonly body?: string;
    };
  }[];
}
const { cases, configErrors, originValid, originNormalize } = readVectors<{
  cases: readonly CorsCase[];
  configErrors: readonly { config: readonly Operation[]; message: string }[];
  originValid: readonly { origin: string; expect: boolean }[];
  originNormalize: readonly { origin: string; expect: string }[];
}>('cors');

function configure(config: CorsConfig, operations: readonly Operation[]): void {
  for (const [name, first, second] of operations) {
    const text = String(first);
    if (name === 'anyHost') config.anyHost();
    else if (name === 'allowHost') config.allowHost(text, second ?? {});
    else if (name === 'allowMethod') config.allowMethod(text);
    else if (name === 'allowHeader') config.allowHeader(text);
    else if (name === 'allowHeadersPrefixed') config.allowHeadersPrefixed(text);
    else if (name === 'allowHeadersStartingWith') config.allowHeaders((header) => header.startsWith(text));
    else if (name === 'exposeHeader') config.exposeHeader(text);
    else if (name === 'allowOriginEquals') config.allowOrigins((origin) => origin === text);
    else if (name === 'allowOriginMatches') config.allowOrigins((origin) => new RegExp(text).test(origin));
    else if (name === 'set') Object.assign(config, { [text]: second });
    else throw new Error(`no operation ${name}`);
  }
}

function build(application: Application, { install, routes }: CorsCase): void {
  const root = routing(application) as unknown as Route;
  for (const { at, config } of install) {
    if (at === 'application') application.install(CORS, (own) => configure(own, config));
    else
      (at === 'routing' ? root : (root.route(at) as unknown as Route)).install(CORS, (own) =>
        configure(own, config),
      );
  }
  for (const { method, path, text } of routes)
    root.route(path, (route) => void route.method(method).handle((call) => call.respondText(text)));
}

describe('cors', () => {
  it.each(cases)('$name', async (one) => {
    const application = await testApplication((app) => build(app, one));
    try {
      for (const { method, path, headers, expect: wanted } of one.requests) {
        const response = await application.client.request(method, path, { headers });
        const names = Object.keys(wanted.headers ?? {});
        expect({
          request: [method, path, headers],
          status: response.status,
          headers: Object.fromEntries(names.map((name) => [name, response.header(name) ?? null])),
          body: wanted.body === undefined ? undefined : await response.text(),
        }).toEqual({
          request: [method, path, headers],
          status: wanted.status,
          headers: wanted.headers ?? {},
          body: wanted.body,
        });
      }
    } finally {
      await application.stop();
    }
  });

  it.each(configErrors)('refuses the configuration $config', async ({ config, message }) => {
    await expect(
      testApplication((app) => void app.install(CORS, (own) => configure(own, config))),
    ).rejects.toMatchObject({ code: 'PORTICO_CORS_HOST', message: expect.stringContaining(message) });
  });

  it.each(originValid)('origin $origin is valid: $expect', ({ origin, expect: wanted }) => {
    expect(isValidOrigin(origin)).toBe(wanted);
  });

  it.each(originNormalize)('origin $origin is $expect', ({ origin, expect: wanted }) => {
    expect(normalizeOrigin(origin)).toBe(wanted);
  });
});
