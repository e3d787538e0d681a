import { describe, expect, it } from '@jest/globals';
import type { ExchangeResult } from '#host/connector/http1-listener.js';
import { TrafficCounts } from '#host/front/traffic-counts.js';

const result = (status: number, durationMs: number): ExchangeResult => ({
  status,
  durationMs,
  bytesIn: 1,
  bytesOut: 10,
  aborted: false,
});

describe('TrafficCounts', () => {
  it('reports differences of counts and current values of what is open', () => {
    const counts = new TrafficCounts();
    const shop = counts.countersOf('/shop', 'shop');
    for (const status of [200, 204, 301, 404, 500, 0]) {
      shop.begin();
      shop.finish(result(status, status === 200 ? 1 : 3));
    }
    shop.begin();
    shop.tunnels++;
    const first = counts.take(5);
    expect(first.openConnections).toBe(5);
    expect(first.contexts).toHaveLength(1);
    expect(first.contexts[0]).toMatchObject({
      context: '/shop',
      application: 'shop',
      byClass: [1, 0, 2, 1, 1, 1],
      bytesIn: 6,
      bytesOut: 60,
      inFlight: 1,
      tunnels: 1,
    });
    expect(first.contexts[0]?.latency.slice(0, 4)).toEqual([1, 0, 5, 0]);
    expect(first.contexts[0]?.latencySumSeconds).toBeCloseTo(0.016);
    expect(counts.take(5).contexts).toEqual([]);
    shop.tunnels--;
    shop.finish(result(101, 60_000));
    const last = counts.take(5).contexts[0];
    expect(last).toMatchObject({
      byClass: [0, 1, 0, 0, 0, 0],
      inFlight: 0,
      tunnels: 0,
      latencySumSeconds: 0,
    });
  });

  it('reports connections ended by a limit, by reason, once', () => {
    const counts = new TrafficCounts();
    for (const reason of ['max-requests', 'no-request', 'max-requests']) counts.closeByLimit(reason);
    expect(counts.take(0).closedByLimit).toEqual({ 'max-requests': 2, 'no-request': 1 });
    expect(counts.take(0).closedByLimit).toEqual({});
  });

  it('puts a latency beyond all bounds into the last bucket', () => {
    const counts = new TrafficCounts();
    counts.unmapped.begin();
    counts.unmapped.finish(result(404, 10_001));
    const latency = counts.take(0).contexts[0]?.latency ?? [];
    expect(latency[13]).toBe(1);
    expect(latency).toHaveLength(14);
  });

  it('keeps the counters of a removed context until its last request is over', () => {
    const counts = new TrafficCounts();
    const shop = counts.countersOf('/shop', 'shop');
    shop.begin();
    counts.retire('/shop');
    expect(counts.take(0).contexts[0]?.inFlight).toBe(1);
    expect(counts.countersOf('/shop', 'shop')).toBe(shop);
    counts.retire('/shop');
    shop.finish(result(200, 1));
    expect(counts.take(0).contexts[0]?.byClass[2]).toBe(1);
    expect(counts.countersOf('/shop', 'shop')).not.toBe(shop);
  });

  it('counts what a deployment answers, its errors, and what the application broke off', () => {
    const counts = new TrafficCounts();
    const shop = counts.deploymentOf('shop@1');
    for (const status of [200, 404, 500, 503, 0]) {
      shop.begin();
      shop.finish(status);
    }
    shop.begin();
    shop.cut();
    shop.finish(200);
    shop.begin();
    shop.tunnels++;
    const first = { deployment: 'shop@1', requests: 6, errors: 3, inFlight: 1, tunnels: 1 };
    expect(counts.take(0).deployments).toEqual([first]);
    expect(counts.take(0).deployments).toEqual([]);
  });

  it('keeps the counters of a removed deployment until its last request is over', () => {
    const counts = new TrafficCounts();
    const shop = counts.deploymentOf('shop@1');
    shop.begin();
    counts.retainDeployments(new Set());
    expect(counts.take(0).deployments).toMatchObject([{ inFlight: 1 }]);
    expect(counts.deploymentOf('shop@1')).toBe(shop);
    counts.retainDeployments(new Set());
    shop.finish(200);
    expect(counts.take(0).deployments).toMatchObject([{ requests: 1, inFlight: 0 }]);
    expect(counts.deploymentOf('shop@1')).not.toBe(shop);
  });

  it('counts refusals by reason and starts anew after each report', () => {
    const counts = new TrafficCounts();
    counts.refuse('timeout');
    counts.refuse('timeout');
    counts.acceptedConnections = 3;
    counts.droppedLogLines = 2;
    expect(counts.take(0)).toMatchObject({
      refused: { timeout: 2 },
      acceptedConnections: 3,
      droppedLogLines: 2,
    });
    expect(counts.take(0)).toMatchObject({ refused: {}, acceptedConnections: 0, droppedLogLines: 0 });
  });
});
