import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import type { MappedContext } from '#host/front/mapping.js';
import type { VersionRoute, VersionsTarget } from '#host/front/messages.js';
import { TrafficCounts } from '#host/front/traffic-counts.js';
import { VersionsRuntime } from '#host/front/versions/versions-runtime.js';
import type { Runtime } from '#host/runtime/mount.js';
import { MemoryExchange, type MemoryRequest } from '#test/support/memory-exchange.js';
import { until } from '#test/support/polling.js';

/** Answers with its version; keeps what it was asked, unless the test answers itself. */
class NamedRuntime implements Runtime {
  readonly openExchanges = 0;
  readonly seen: { readonly exchange: Exchange; readonly within: string }[] = [];
  readonly #answer: (exchange: Exchange) => void;

  constructor(answer: (exchange: Exchange) => void) {
    this.#answer = answer;
  }

  handle(exchange: Exchange, _mount: unknown, within: string): void {
    this.seen.push({ exchange, within });
    this.#answer(exchange);
  }

  retire(): void {
    // Nothing is ever open.
  }

  revive(): void {
    // As above.
  }
}

class Bench {
  readonly counts = new TrafficCounts();
  readonly runtimes = new Map<string, NamedRuntime>();
  readonly runtime: VersionsRuntime;
  random = 0.5;

  constructor(
    versions: readonly Partial<VersionRoute>[],
    target: Pick<VersionsTarget, 'preview' | 'sessionCookies'> = {},
    answer = (version: string, exchange: Exchange) =>
      exchange.respond(200, ['content-type', 'text/plain'], version),
  ) {
    const mapped = versions.map((given) => {
      const { version = '' } = given;
      const runtime = new NamedRuntime((exchange) => answer(version, exchange));
      this.runtimes.set(version, runtime);
      return {
        version,
        pin: `pin-${version}`,
        weight: 0,
        maxBodyBytes: 0,
        target: { kind: 'static', deployment: version, folder: '' } as const,
        ...given,
        mapped: {
          path: '/shop',
          isStripped: true,
          runtime,
          deployment: this.counts.deploymentOf(version),
        } as unknown as MappedContext,
      };
    });
    this.runtime = new VersionsRuntime(target, mapped, () => this.random);
  }

  request(target: string, request: MemoryRequest = {}): MemoryExchange {
    const exchange = new MemoryExchange(target, request);
    this.runtime.handle(exchange, { path: '/shop', maxBodyBytes: 0, counters: NO_COUNTERS });
    return exchange;
  }

  countsOf(version: string) {
    return this.counts.take(0).deployments?.find(({ deployment }) => deployment === version);
  }
}

const NO_COUNTERS = { tunnels: 0, tooLargeBodies: 0 };
const TWO = [{ version: '2', weight: 100 }, { version: '1' }];

describe('several versions of one context', () => {
  it('give a new client the newest, and a cookie for this path that keeps it there', () => {
    const bench = new Bench(TWO);
    const exchange = bench.request('/shop/cart');
    expect(exchange.body).toBe('2');
    expect(exchange.field('set-cookie')).toBe('portico-version=pin-2; Path=/shop; HttpOnly; SameSite=Lax');
    expect(bench.runtimes.get('2')?.seen[0]?.within).toBe('/cart');
    expect((exchange.attachment as MappedContext).deployment?.deployment).toBe('2');
  });

  it('leave a client with a cookie where it is, and set none again', () => {
    const bench = new Bench(TWO);
    const exchange = bench.request('/shop/cart', { fields: ['Cookie', 'portico-version=pin-1'] });
    expect(exchange.body).toBe('1');
    expect(exchange.field('set-cookie')).toBeUndefined();
    expect(bench.countsOf('1')).toMatchObject({ pinned: 1 });
  });

  it('keep the redirect to the folder, with the cookie', () => {
    const exchange = new Bench(TWO).request('/shop');
    expect([exchange.status, exchange.field('location')]).toEqual([302, '/shop/']);
    expect(exchange.field('set-cookie')).toContain('portico-version=pin-2');
  });

  it.each([
    ['an answer that failed', 502, []],
    ['what shared caches keep', 200, ['Cache-Control', 'public, max-age=60']],
    ['what shared caches keep for another time', 200, ['cache-control', 's-maxage=60']],
  ])('put no cookie on %s', (_name, status, fields) => {
    const bench = new Bench(TWO, {}, (_version, exchange) => exchange.respond(status, fields, ''));
    expect(bench.request('/shop/x').field('set-cookie')).toBeUndefined();
  });

  it('obey the header of a client that knows the secret or comes from a trusted address, and set no cookie', () => {
    const secretHash = createHash('sha256').update('open sesame').digest('hex');
    const bySecret = new Bench(TWO, { preview: { addresses: [], secretHash } });
    const asking = (secret: string) =>
      bySecret.request('/shop/', { fields: ['Portico-Version', '1', 'Portico-Preview-Secret', secret] });
    expect(asking('open sesame').body).toBe('1');
    expect(asking('open sesame').field('set-cookie')).toBeUndefined();
    expect(asking('open sesam').body).toBe('2');
    expect(bySecret.request('/shop/', { fields: ['Portico-Version', '1'] }).body).toBe('2');
    const preview = { addresses: ['127.0.0.0/8'], secretHash: undefined };
    const byAddress = new Bench(TWO, { preview });
    expect(byAddress.request('/shop/', { fields: ['Portico-Version', '1'] }).body).toBe('1');
    expect(byAddress.request('/shop/', { fields: ['Portico-Version', '7'] }).status).toBe(404);
  });

  it('do not know the header when nobody may use it', () => {
    expect(new Bench(TWO).request('/shop/', { fields: ['Portico-Version', '1'] }).body).toBe('2');
  });
});

describe('shadow traffic', () => {
  const SHADOWED = [
    { version: '1', weight: 100 },
    { version: '2', shadow: { of: '1', percent: 50 } },
  ];

  it('is a marked copy of safe requests, whose answer nobody sees', async () => {
    const bench = new Bench(SHADOWED, {}, (version, exchange) =>
      exchange.respond(version === '2' ? 500 : 200, [], version),
    );
    bench.random = 0.4;
    const exchange = bench.request('/shop/cart?id=1', { fields: ['Cookie', 'a=b'] });
    expect([exchange.status, exchange.body]).toEqual([200, '1']);
    const shadow = bench.runtimes.get('2');
    const { head } = await until('the copy has come', () => shadow?.seen[0]?.exchange);
    expect([head.path, head.query, head.fields.get('cookie')]).toEqual(['/shop/cart', 'id=1', 'a=b']);
    expect(head.fields.get('portico-shadow')).toBe('1');
    expect(bench.countsOf('2')).toMatchObject({ requests: 1, errors: 1, inFlight: 0 });
  });

  it('leaves out requests that change something, have a body, or fall outside of the share', async () => {
    const bench = new Bench(SHADOWED);
    bench.random = 0.4;
    bench.request('/shop/', { method: 'POST' });
    bench.request('/shop/', { bodyLength: 3 });
    bench.request('/shop/', { upgrade: 'websocket', bodyLength: -1 });
    bench.random = 0.5;
    bench.request('/shop/');
    bench.random = 0.4;
    bench.request('/shop/head', { method: 'HEAD' });
    const shadow = bench.runtimes.get('2');
    await until('a copy has come', () => shadow?.seen.length !== 0);
    expect(shadow?.seen.map(({ exchange }) => exchange.head.path)).toEqual(['/shop/head']);
  });

  it('is bounded when the shadow hangs, and counts what was left out', async () => {
    const bench = new Bench(SHADOWED, {}, (version, exchange) => {
      if (version === '1') exchange.respond(200, [], '');
    });
    bench.random = 0.4;
    for (let number = 0; number < 70; number++) expect(bench.request('/shop/').status).toBe(200);
    const shadow = bench.runtimes.get('2');
    await until('the copies have come', () => shadow?.seen.length === 64);
    expect(bench.countsOf('2')).toMatchObject({ requests: 0, skipped: 6, inFlight: 64 });
    for (const { exchange } of shadow?.seen ?? []) exchange.respond(200, [], undefined);
    expect(bench.countsOf('2')).toMatchObject({ requests: 64, inFlight: 0 });
  });
});
