import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ContextCounts } from '#host/front/messages.js';
import type { InstanceStatus } from '#host/supervisor/deployment-process.js';
import { applicationStatus, TestAdmin } from '#test/support/admin-server.js';

let admin: TestAdmin;

beforeEach(async () => {
  admin = await new TestAdmin([applicationStatus('shop', { instances: [instance()] })]).start();
});
afterEach(() => admin.stop());

function instance(more: Partial<InstanceStatus> = {}): InstanceStatus {
  return {
    instance: 'shop##1@1/1#1',
    pid: 1,
    state: 'running',
    restarts: 0,
    startedAt: undefined,
    rssBytes: 1000,
    heapUsedBytes: 500,
    cpuSeconds: 2,
    utilization: 0.25,
    ...more,
  };
}

function counts(more: Partial<ContextCounts> = {}): ContextCounts {
  return {
    context: '/shop',
    application: 'shop',
    byClass: [1, 0, 10, 0, 3, 0],
    latency: [5, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5],
    latencySumSeconds: 60.5,
    bytesIn: 7,
    bytesOut: 9,
    inFlight: 2,
    tunnels: 1,
    ...more,
  };
}

async function lines(): Promise<string[]> {
  return (await admin.ask('GET', '/metrics', { authorization: '' })).text.split('\n');
}

describe('metrics', () => {
  it('tell what the fronts counted', async () => {
    admin.traffic = {
      contexts: [counts()],
      openConnections: 4,
      acceptedConnections: 12,
      refused: { 'header-too-large': 3 },
      closedByLimit: { 'keep-alive-timeout': 5 },
      droppedLogLines: 0,
    };
    const labels = 'application="shop",context="/shop"';
    for (let scrape = 0; scrape < 2; scrape += 1) {
      expect(await lines()).toEqual(
        expect.arrayContaining([
          '# TYPE portico_request_duration_seconds histogram',
          `portico_requests_total{${labels},class="2xx"} 10`,
          `portico_requests_total{${labels},class="4xx"} 3`,
          `portico_requests_total{${labels},class="none"} 1`,
          `portico_request_duration_seconds_bucket{${labels},le="0.001"} 5`,
          `portico_request_duration_seconds_bucket{${labels},le="0.0025"} 9`,
          `portico_request_duration_seconds_bucket{${labels},le="10"} 9`,
          `portico_request_duration_seconds_bucket{${labels},le="+Inf"} 14`,
          `portico_request_duration_seconds_sum{${labels}} 60.5`,
          `portico_request_duration_seconds_count{${labels}} 14`,
          `portico_request_body_bytes_total{${labels}} 7`,
          `portico_response_body_bytes_total{${labels}} 9`,
          `portico_requests_in_flight{${labels}} 2`,
          `portico_tunnels{${labels}} 1`,
          'portico_connections 4',
          'portico_connections_accepted_total 12',
          'portico_refused_total{reason="header-too-large"} 3',
          'portico_connections_closed_total{reason="keep-alive-timeout"} 5',
          'portico_front_restarts_total{front="1"} 2',
          'portico_front_up{front="1"} 1',
        ]),
      );
    }
    expect((await lines()).some((line) => line.startsWith('process_resident_memory_bytes'))).toBe(true);
  });

  it('tell what the instances use, and never count back over restarts and redeployments', async () => {
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'portico_application_up{application="shop"} 1',
        'portico_application_state{application="shop",state="running"} 1',
        'portico_application_state{application="shop",state="failed"} 0',
        'portico_application_resident_bytes{application="shop"} 1000',
        'portico_application_heap_used_bytes{application="shop"} 500',
        'portico_application_cpu_seconds_total{application="shop"} 2',
        'portico_application_event_loop_utilization{application="shop"} 0.25',
        'portico_application_restarts_total{application="shop"} 0',
      ]),
    );
    const restarted = instance({ instance: 'shop##1@1/1#2', restarts: 1, cpuSeconds: 2.5 });
    admin.deployments.statuses[0] = applicationStatus('shop', { instances: [restarted] });
    expect(await lines()).toContain('portico_application_cpu_seconds_total{application="shop"} 2.5');
    const redeployed = instance({ instance: 'shop##1@2/1#1', cpuSeconds: 1 });
    admin.deployments.statuses[0] = applicationStatus('shop', { instances: [redeployed] });
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'portico_application_cpu_seconds_total{application="shop"} 3.5',
        'portico_application_restarts_total{application="shop"} 1',
      ]),
    );
  });

  it('tell versions apart while several are live, and only then', async () => {
    expect((await lines()).filter((line) => line.startsWith('portico_version'))).toEqual([]);
    const live = { inFlight: 0, tunnels: 0, pinned: 0, skipped: 0, why: '' };
    admin.deployments.statuses[0] = applicationStatus('shop##2', {
      live: { ...live, role: 'canary', share: 5, requests: 20, errors: 1 },
    });
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'portico_version_share{application="shop##2",role="canary"} 0.05',
        'portico_version_requests_total{application="shop##2"} 20',
        'portico_version_errors_total{application="shop##2"} 1',
      ]),
    );
  });

  it('end with the application', async () => {
    admin.traffic = { ...admin.traffic, contexts: [counts()] };
    expect((await lines()).some((line) => line.includes('"shop"'))).toBe(true);
    admin.traffic = { ...admin.traffic, contexts: [] };
    admin.deployments.statuses.length = 0;
    expect((await lines()).filter((line) => line.includes('"shop"'))).toEqual([]);
  });

  it('escape what a name contains', async () => {
    admin.deployments.statuses[0] = applicationStatus('a"b\nc');
    expect(await lines()).toContain('portico_application_up{application="a\\"b\\nc"} 1');
  });
});
