import { describe, expect, it } from '@jest/globals';
import { CallLedger } from '#host/server/call-ledger.js';
import { RecordedEvents } from '#test/support/recorded-events.js';

describe('the ledger of calls', () => {
  it('adds up, and tells of refused calls at once, then every ten seconds', () => {
    const events = new RecordedEvents();
    const ledger = new CallLedger(events.log);
    const counts = (refused: number, host: string) => [
      {
        caller: 'b%C3%BCcher',
        target: '',
        calls: 0,
        refused: { 'call-not-allowed': refused },
        lastRefused: host,
      },
      { caller: 'web', target: 'shop', calls: 2, refused: {}, lastRefused: '' },
    ];
    ledger.take(counts(1, 'a.portico.internal'), 0);
    ledger.take(counts(2, 'b.portico.internal'), 5_000);
    ledger.take(counts(3, 'c.portico.internal'), 10_000);
    ledger.take(undefined, 11_000);
    expect(ledger.totals()).toEqual([
      { caller: 'b%C3%BCcher', target: '', calls: 0, refused: { 'call-not-allowed': 6 } },
      { caller: 'web', target: 'shop', calls: 6, refused: {} },
    ]);
    expect(events.of('call-refused')).toMatchObject([
      { application: 'bücher', details: { host: 'a.portico.internal', requests: 1 } },
      { application: 'bücher', details: { host: 'c.portico.internal', requests: 5 } },
    ]);
  });
});
