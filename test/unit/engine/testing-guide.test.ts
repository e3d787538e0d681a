import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type Application, routing } from 'portico';
import * as testing from 'portico/testing';
import { SSE, sse } from '#host/plugins/sse.js';
import { WebSockets, webSocket } from '#host/plugins/web-sockets.js';
import { repositoryFolder } from '#test/support/paths.js';

const page = readFileSync(join(repositoryFolder, 'apps/TESTING.md'), 'utf8');
const snippets = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');

const shared = new testing.TestApplication((t) => t.application(socketModule));
afterAll(() => shared.stop());

/** What the snippets use and do not show. */
const NAMES: Readonly<Record<string, unknown>> = {
  ...testing,
  testBundle: (path: string, options: testing.TestBundleOptions) =>
    testing.testBundle(join(repositoryFolder, path), options),
  routing,
  expect,
  it: (_title: string, run: () => unknown) => run(),
  shopModule,
  t: shared,
};

describe('apps/TESTING.md', () => {
  it('has snippets', () => expect(snippets.length).toBeGreaterThan(3));

  it.each(snippets.map((code, index) => [index, code] as const))('snippet %i holds', async (_index, code) => {
    const body = code.replace(/^import .*$/gm, '').replace(/^it\(/m, 'return it(');
    const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;
    const run = new AsyncFunction(...Object.keys(NAMES), body);
    const assertions = expect.getState().assertionCalls;
    await run(...Object.values(NAMES));
    expect(expect.getState().assertionCalls).toBeGreaterThan(assertions);
  });
});

function shopModule(application: Application, services = { fetch: shared.fetch }): void {
  routing(application, (r) => {
    r.get('/items', () => []);
    r.get('/tea', async () => {
      const response = await services.fetch('https://api.example/price');
      const { euro } = (await response.json()) as { euro: number };
      return `${euro} €`;
    });
  });
}

function socketModule(application: Application): void {
  application.install(WebSockets);
  application.install(SSE);
  routing(application, (r) => {
    webSocket(r, '/chat/{room}', { protocol: 'v1' }, async (session) => {
      for await (const { text } of session.incoming) await session.send(text);
    });
    sse(r, '/events', (session) =>
      session.send({ event: 'tick', data: String(Number(session.lastEventId) + 1) }),
    );
  });
}
