import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { metricsRoute, PrometheusMetrics } from 'portico/plugins/metrics';
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

  it('refuses a blank name', async () => {
    const starting = testApplication(
      (app) =>
        void app.install(PrometheusMetrics, (config) => {
          config.metricName = ' ';
        }),
    );
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_METRIC_NAME' });
  });
});
