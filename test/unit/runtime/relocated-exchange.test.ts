import { describe, expect, it } from '@jest/globals';
import type { RequestListener } from '#host/exchange/exchange.js';
import { RelocatedExchange } from '#host/runtime/upstream/relocated-exchange.js';
import { ScriptedExchange } from '#test/support/scripted-exchange.js';

const nothing = (): void => undefined;
const EVENTS = { tunnelled: nothing, bodyTooLarge: nothing };

describe('a relocated exchange', () => {
  it.each([
    ['GET', 'h2c', true],
    ['POST', 'websocket', true],
    ['GET', 'WebSocket', false],
    ['GET', undefined, false],
  ])('of %s with Upgrade %s has the request end at once: %s', (method, upgrade, hasEnded) => {
    const inner = new ScriptedExchange({
      method,
      ...(upgrade === undefined ? {} : { upgrade, bodyLength: -1 }),
    });
    const exchange = new RelocatedExchange(inner, '/within', 0, { ...EVENTS, over: nothing });
    let ends = 0;
    const listener: RequestListener = { data: nothing, end: () => ends++, drain: nothing, aborted: nothing };
    exchange.listen(listener);
    expect(ends).toBe(hasEnded ? 1 : 0);
    expect(exchange.head.path).toBe('/within');
    expect(exchange.head.upgrade).toBe(hasEnded ? undefined : upgrade);
    expect(exchange.head.bodyLength).toBe(upgrade === undefined || hasEnded ? 0 : -1);
  });

  it.each(['the client', 'the upstream'])(
    'that is a tunnel is over when both have ended, %s first',
    (first) => {
      const inner = new ScriptedExchange({ upgrade: 'websocket', bodyLength: -1 });
      let overs = 0;
      const exchange = new RelocatedExchange(inner, '/', 0, { ...EVENTS, over: () => overs++ });
      exchange.listen({ data: nothing, end: nothing, drain: nothing, aborted: nothing });
      exchange.begin(101, []);
      const ends = [(): void => inner.listener?.end(undefined), (): void => exchange.end()];
      if (first === 'the upstream') ends.reverse();
      ends[0]?.();
      expect(overs).toBe(0);
      ends[1]?.();
      expect(overs).toBe(1);
      expect(inner.isEnded).toBe(true);
    },
  );

  it('that was asked to go away ends for the client before it does for the upstream', () => {
    const inner = new ScriptedExchange({ upgrade: 'websocket', bodyLength: -1 });
    let overs = 0;
    let ends = 0;
    const exchange = new RelocatedExchange(inner, '/', 0, { ...EVENTS, over: () => overs++ });
    exchange.listen({ data: nothing, end: () => ends++, drain: nothing, aborted: nothing });
    exchange.begin(101, []);
    exchange.goAway('ended');
    // The client answers with a close frame of its own (RFC 6455 §5.5.1), masked.
    inner.listener?.data(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]));
    inner.listener?.end(undefined);
    expect([inner.isEnded, exchange.isEnded, ends > 0, overs]).toEqual([true, false, true, 0]);
    expect(exchange.write(Buffer.from('too late'))).toBe(true);
    exchange.end();
    expect([exchange.isEnded, overs]).toEqual([true, 1]);
  });

  it('that is an event stream ends with the hint when it is asked to go away, and the upstream hears that nobody listens', () => {
    const inner = new ScriptedExchange({});
    const told: string[] = [];
    const exchange = new RelocatedExchange(inner, '/', 0, {
      ...EVENTS,
      streaming: () => told.push('streaming'),
      over: () => told.push('over'),
      broken: () => told.push('broken'),
    });
    exchange.listen({ data: nothing, end: nothing, drain: nothing, aborted: () => told.push('aborted') });
    exchange.begin(200, ['content-type', 'text/event-stream']);
    exchange.write(Buffer.from('data: a'));
    exchange.goAway('replaced');
    expect([inner.isEnded, told]).toEqual([false, ['streaming']]);
    exchange.write(Buffer.from('\n\ndata: b\n\n'));
    expect([inner.isEnded, told]).toEqual([true, ['streaming', 'aborted', 'over']]);
    expect(inner.body).toBe('data: a\n\nretry: 1000\n\n');
  });
});
