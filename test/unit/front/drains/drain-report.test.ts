import { describe, expect, it } from '@jest/globals';
import type { ExchangeResult } from '#host/connector/connector-observer.js';
import {
  type CutExchange,
  drainText,
  hadOpen,
  MAX_CUTS,
  MAX_PATH,
  NOTHING_OPEN,
  sumOfDrains,
} from '#host/front/drains/drain-report.js';
import { DrainTally } from '#host/front/drains/drain-tally.js';
import { TrafficCounts } from '#host/front/traffic-counts.js';
import { MemoryExchange } from '#test/support/memory-exchange.js';

const head = (path: string, accept = '*/*') => new MemoryExchange(path, { fields: ['accept', accept] }).head;
const result = (status: number, durationMs = 1, aborted = false): ExchangeResult => ({
  status,
  durationMs,
  aborted,
  bytesIn: 0,
  bytesOut: 0,
});

describe('a drain', () => {
  it('tells what finished, what was left by its client and what was cut, each by its kind', () => {
    const tally = new DrainTally();
    tally.over(head('/'), result(200));
    tally.over(head('/events', 'text/event-stream'), result(200));
    tally.over(head('/socket'), result(101));
    tally.over(head('/'), result(0, 5, true));
    const doomed = head('/slow');
    tally.doom(doomed);
    tally.over(doomed, result(502, 12_345));
    // A refusal is no stream, whatever was asked for.
    tally.over(head('/events', 'text/event-stream'), result(404));
    expect(tally.report()).toEqual({
      finished: { request: 2, stream: 1, tunnel: 1 },
      left: { request: 1, stream: 0, tunnel: 0 },
      cut: { request: 1, stream: 0, tunnel: 0 },
      cuts: [{ kind: 'request', method: 'GET', path: '/slow', ageMs: 12_345 }],
    });
    expect(drainText(tally.report())).toBe(
      '2 requests, 1 event stream and 1 WebSocket finished, 1 request left by its client, 1 request cut (GET /slow after 12.3 s)',
    );
  });

  it('counts all that was cut, and names the oldest', () => {
    const tally = new DrainTally();
    for (let age = 1; age <= 100; age++) {
      const doomed = head(`/${'x'.repeat(200)}`);
      tally.doom(doomed);
      tally.over(doomed, result(200, age));
    }
    const { cut, cuts } = tally.report();
    expect(cut.request).toBe(100);
    expect(cuts.map(({ ageMs }) => ageMs)).toEqual(
      Array.from({ length: MAX_CUTS }, (_, index) => 100 - index),
    );
    expect(cuts[0]?.path).toHaveLength(MAX_PATH);
    expect(drainText(tally.report())).toContain('after 0.1 s, and 97 more)');
  });

  it('counts what is still closing as cut, and copies not at all', () => {
    const tally = new DrainTally();
    tally.doom(head('/'));
    const copy = head('/');
    tally.doom(copy);
    tally.spare(copy);
    expect(tally.report().cut.request).toBe(1);
    expect(drainText(tally.report())).toBe('1 request cut');
  });

  it('is added up over fronts', () => {
    const cuts = (ages: number[]): CutExchange[] =>
      ages.map((ageMs) => ({ kind: 'request', method: 'GET', path: '/', ageMs }));
    const one = {
      ...NOTHING_OPEN,
      cut: { request: 8, stream: 0, tunnel: 1 },
      cuts: cuts([9, 7, 5, 3, 1, 0, 0, 0]),
    };
    const other = { ...NOTHING_OPEN, cut: { request: 3, stream: 2, tunnel: 0 }, cuts: cuts([8, 6, 4, 2, 0]) };
    const sum = sumOfDrains([one, other]);
    expect(sum.cut).toEqual({ request: 11, stream: 2, tunnel: 1 });
    expect(sum.cuts.map(({ ageMs }) => ageMs)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect([hadOpen(sum), hadOpen(sumOfDrains([]))]).toEqual([true, false]);
    expect(drainText(sumOfDrains([]))).toBe('nothing was open');
  });
});

describe('the counts of a front', () => {
  it('tell how a deployment drained once, also when it is over long before anybody asks', () => {
    const counts = new TrafficCounts();
    const idle = counts.deploymentOf('idle');
    const busy = counts.deploymentOf('busy');
    busy.begin();
    counts.retainDeployments(new Set());
    expect([idle.drain, counts.drainOf('idle')]).toEqual([undefined, undefined]);
    expect(counts.drainOf('busy')).toMatchObject({ isOver: false });
    busy.finish(200);
    busy.drain?.over(head('/'), result(200));
    counts.take(0);
    expect(counts.drains().map(([deployment]) => deployment)).toEqual(['busy']);
    expect(counts.drainOf('busy')).toMatchObject({ isOver: true, report: { finished: { request: 1 } } });
    expect([counts.drainOf('busy'), counts.drains()]).toEqual([undefined, []]);
  });

  it('forget the drain of a deployment that serves again', () => {
    const counts = new TrafficCounts();
    counts.deploymentOf('warm').begin();
    counts.retainDeployments(new Set());
    expect(counts.deploymentOf('warm').drain).toBeUndefined();
    expect(counts.drains()).toEqual([]);
  });
});
