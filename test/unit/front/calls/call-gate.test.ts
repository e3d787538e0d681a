import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import { CallGate } from '#host/front/calls/call-gate.js';
import { type Caller, openCaller, sealCaller } from '#host/front/calls/call-token.js';
import type { MappedContext } from '#host/front/mapping.js';
import { TrafficCounts } from '#host/front/traffic-counts.js';
import type { Closure } from '#host/runtime/closed-runtime.js';
import { MemoryExchange } from '#test/support/memory-exchange.js';

const key = randomBytes(32);
const web: Caller = { application: 'web', instance: 'web@1/1#1', calls: ['shop', 'foo#bar', 'gone'] };

/** A gate before applications that keep what they are asked. */
function bench(names: readonly string[]) {
  const counts = new TrafficCounts();
  const seen: Exchange[] = [];
  const contexts = names.map(
    (application): MappedContext => ({
      route: {
        context: `/${application}`,
        path: `/${application}`,
        application,
        version: '',
        target: { kind: 'static', deployment: application, folder: '' },
        maxBodyBytes: 0,
      },
      path: `/${application}`,
      host: '',
      maxBodyBytes: 0,
      isStripped: false,
      counters: counts.countersOf(`/${application}`, application),
      deployment: undefined,
      runtime: {
        openExchanges: 0,
        handle: (exchange) => seen.push(exchange),
        retire: () => undefined,
        revive: () => undefined,
      },
    }),
  );
  const findApplication = (name: string) => contexts.find(({ route }) => route.application === name);
  const doors: { closed: Closure | undefined } = { closed: undefined };
  const dispatcher = { closureOf: () => doors.closed };
  const gate = new CallGate(key.toString('hex'), { findApplication }, counts, dispatcher);
  const call = (authority: string, fields: readonly string[] = [], caller: Caller | null = web) => {
    const proof = caller === null ? [] : ['portico-token', sealCaller(key, caller)];
    const exchange = new MemoryExchange('/items?a=1', { fields: [...proof, ...fields] });
    Object.assign(exchange, { head: { ...exchange.head, authority } });
    gate.handle(exchange);
    return exchange;
  };
  return { gate, call, seen, doors };
}

describe('a proof', () => {
  it('is read by whoever has the key, and cannot be changed', () => {
    const token = sealCaller(key, web);
    expect(openCaller(key, token)).toEqual(web);
    expect(openCaller(randomBytes(32), token)).toBeUndefined();
    const [text = '', signature = ''] = token.split('.');
    const more = Buffer.from(JSON.stringify(['web', 'x', ['all']])).toString('base64url');
    for (const forged of ['', '.', text, `${text}.`, `${more}.${signature}`, `.${signature}`])
      expect(openCaller(key, forged)).toBeUndefined();
  });
});

describe('the gate for calls', () => {
  it('tells the application who calls, and nothing that the caller says of others', () => {
    const { call, seen } = bench(['shop']);
    const fields = [
      'Portico-Caller',
      'admin',
      'X-Forwarded-For',
      '10.0.0.1',
      'Portico_Job',
      'x',
      'Portico-Hops',
      '2',
    ];
    call('shop.portico.internal:80', [...fields, 'X-Own', 'y']);
    const head = seen[0]?.head;
    expect([head?.path, head?.query]).toEqual(['/shop/items', 'a=1']);
    expect(head?.fields.flat()).toEqual(['X-Own', 'y', 'Portico-Caller', 'web', 'Portico-Hops', '3']);
    expect(head?.connection).toMatchObject({ remoteAddress: '127.0.0.1', caller: 'web', isSecure: false });
  });

  it.each([
    ['secret.portico.internal', 403, 'call-not-allowed'],
    ['gone.portico.internal', 502, 'call-unknown'],
    ['example.com', 421, 'call-host'],
    ['shop.portico.internal.example', 421, 'call-host'],
  ])('answers %s with %i', (authority, status, problem) => {
    const { call, seen, gate } = bench(['shop', 'secret']);
    const exchange = call(authority);
    expect([exchange.status, exchange.field('portico-problem'), seen.length]).toEqual([status, problem, 0]);
    expect(gate.tally.take()).toMatchObject([
      { caller: 'web', refused: { [problem]: 1 }, lastRefused: authority },
    ]);
  });

  it('takes nothing without a proof', () => {
    const exchange = bench(['shop']).call('shop.portico.internal', [], null);
    expect([exchange.status, exchange.field('portico-problem')]).toEqual([403, 'call-unproven']);
  });

  it('answers for a host that is closed, and counts no call', () => {
    const { call, seen, gate, doors } = bench(['shop']);
    doors.closed = { reason: 'Maintained.', retryAfterSeconds: 7 };
    const exchange = call('shop.portico.internal');
    expect([exchange.status, exchange.field('retry-after'), seen.length]).toEqual([503, '7', 0]);
    gate.finished(exchange);
    expect(gate.tally.underWay('web')).toBe(0);
  });

  it('ends what goes round', () => {
    const { call, seen } = bench(['shop']);
    call('shop.portico.internal', ['portico-hops', '9']);
    expect(call('shop.portico.internal', ['portico-hops', '10']).status).toBe(508);
    expect(seen.length).toBe(1);
  });

  it('bounds what one caller has under way, and nobody else', () => {
    const { call, seen, gate } = bench(['shop', 'foo#bar']);
    for (let i = 0; i < 1000; i++) call('shop.portico.internal');
    const beyond = call('foo--bar.portico.internal');
    expect([beyond.status, beyond.field('retry-after'), beyond.field('portico-problem')]).toEqual([
      503,
      '1',
      'call-limit',
    ]);
    call('shop.portico.internal', [], { ...web, application: 'other' });
    expect(seen.length).toBe(1001);
    // Over, refused or not.
    gate.finished(beyond);
    expect(call('foo--bar.portico.internal').status).toBe(503);
    gate.finished(call('shop.portico.internal', [], { ...web, application: 'other' }));
    expect(gate.tally.underWay('other')).toBe(1);
  });

  it('puts the paths of an answer behind the name of its host', () => {
    const { call, seen } = bench(['shop']);
    const exchange = call('shop.portico.internal');
    seen[0]?.respond(
      302,
      ['Location', '/shop/login?a', 'Set-Cookie', 'a=b; Path=/shop; HttpOnly', 'X-Path', '/shop'],
      '',
    );
    expect(exchange.fields).toEqual([
      'Location',
      '/login?a',
      'Set-Cookie',
      'a=b; Path=/; HttpOnly',
      'X-Path',
      '/shop',
    ]);
  });
});
