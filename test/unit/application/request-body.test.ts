import { describe, expect, it } from '@jest/globals';
import { ExchangeBody } from '#host/application/request-body.js';
import { ScriptedExchange } from '#test/support/scripted-exchange.js';

describe('the body of a request', () => {
  it('is empty, at once, for a request that asks for an upgrade', async () => {
    const body = new ExchangeBody(new ScriptedExchange({ upgrade: 'websocket', bodyLength: -1 }));
    expect((await body.readAll()).length).toBe(0);
  });

  it('is not complete before its end has come', async () => {
    const body = new ExchangeBody(new ScriptedExchange({ method: 'POST', bodyLength: -1 }));
    const all = body.readAll();
    body.push(Buffer.from('one '));
    body.push(Buffer.from('two'));
    body.complete();
    expect(String(await all)).toBe('one two');
  });
});
