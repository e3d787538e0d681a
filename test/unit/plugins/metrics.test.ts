import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { metricsRoute, PrometheusMetrics } from 'portico/plugins/metrics';
import { StatusPages } from 'portico/plugins/status-pages';
import { testApplication } from 'portico/testing';

describe('PrometheusMetrics', () => {
  it('counts calls by the pattern of their route, errors by their class', async () => {
    const application = await testApplication((app) => {
      const registry = app.install(PrometheusMetrics);
      routing(app, (r) => {
        r.get('/items/{id}', (call) => call.respondText(call.parameters.id));
        r.get('/broken', async () => {
          await Promise.resolve();
          throw new RangeError('x');
        });
        metricsRoute(r, '/metrics', registry);
      });
    });
    const { client } = application;
    for (const path of ['/items/1', '/items/2', '/nowhere', '/broken']) await client.get(path);
    await client.request('INVENTED', '/nowhere');
    const response = await client.get('/metrics');
    const text = await response.text();
    expect(response.header('content-type')).toMatch(/^text\/plain/);
    const count = (labels: string) =>
      new RegExp(`^http_server_requests_seconds_count\\{${labels}\\} (\\d+)$`, 'm').exec(text)?.[1];
    expect(count('method="GET",route="/items/{id}",status="200"')).toBe('2');
    expect(count('method="GET",route="n/a",status="404"')).toBe('1');
    expect(count('method="GET",route="/broken",status="500"')).toBe('1');
    expect(count('method="other",route="n/a",status="404"')).toBe('1');
    expect(text).toMatch(/^http_server_requests_errors_total\{route="\/broken",error="RangeError"\} 1$/m);
    expect(text).toMatch(/^http_server_requests_active 1$/m);
    expect(text).toMatch(/^process_cpu_seconds_total /m);
    await application.stop();
  });

  it('observes the process once, however often applications start in it', async () => {
    const gauges: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      const application = await testApplication((app) => void app.install(PrometheusMetrics));
      const registry = application.application.plugin(PrometheusMetrics);
      gauges.push(registry.getSingleMetric('nodejs_eventloop_lag_mean_seconds'));
      expect(await registry.metrics()).toMatch(/^nodejs_eventloop_lag_mean_seconds /m);
      await application.stop();
    }
    expect(gauges[0]).toBeDefined();
    expect(gauges[1]).toBe(gauges[0]);
  });

  it('refuses a blank name', async () => {
    const starting = testApplication(
      (app) =>
        void app.install(PrometheusMetrics, (config) => {
          config.metricName = ' ';
        }),
    );
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_METRIC_NAME' });
  });

  it.each([
    ['in front of', [PrometheusMetrics, StatusPages]],
    ['behind', [StatusPages, PrometheusMetrics]],
  ])(
    'counts errors that are answered, installed %s what answers them; only of calls it counts',
    async (_, order) => {
      const application = await testApplication((app) => {
        for (const plugin of order)
          if (plugin === StatusPages)
            app.install(StatusPages, (config) => config.exception(Error, (call) => call.respondStatus(503)));
          else
            app.install(PrometheusMetrics, (config) => {
              config.collectDefaults = false;
              config.filter = (call) => call.localPath !== '/quiet';
            });
        routing(app, (r) => {
          for (const path of ['/loud', '/quiet'])
            r.get(path, () => {
              throw new RangeError('x');
            });
        });
      });
      for (const path of ['/loud', '/quiet']) expect((await application.client.get(path)).status).toBe(503);
      const text = await application.application.plugin(PrometheusMetrics).metrics();
      expect(text.match(/^http_server_requests_errors_total\{.*$/gm)).toEqual([
        'http_server_requests_errors_total{route="/loud",error="RangeError"} 1',
      ]);
      await application.stop();
    },
  );
});
