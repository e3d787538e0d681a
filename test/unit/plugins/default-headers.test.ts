import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { DefaultHeaders } from 'portico/plugins/default-headers';
import { testApplication } from 'portico/testing';

describe('DefaultHeaders', () => {
  it('adds Server, Date and headers of its own, also to errors', async () => {
    const application = await testApplication((app) => {
      app.install(DefaultHeaders, (config) => config.header('X-Frame-Options', 'DENY'));
    });
    const { status, headers } = await application.client.get('/');
    expect([status, headers['x-frame-options']]).toEqual([404, 'DENY']);
    expect(headers['server']).toMatch(/^Portico\/\d/);
    expect(Date.parse(headers['date'] ?? '')).toBeGreaterThan(0);
    await application.stop();
  });

  it('replaces nothing', async () => {
    const application = await testApplication((app) => {
      app.install(DefaultHeaders, (config) => config.header('Server', 'Default'));
      routing(app, (r) =>
        r.get('/', (call) => {
          call.response.header('Server', 'Mine');
          return call.respondText('x');
        }),
      );
    });
    expect((await application.client.get('/')).headers['server']).toBe('Mine');
    expect((await application.client.get('/y')).headers['server']).toBe('Default');
    await application.stop();
  });

  it('takes the second from its clock', async () => {
    let nowMs = 1569882841014;
    const application = await testApplication((app) => {
      app.install(DefaultHeaders, (config) => {
        config.now = () => nowMs;
      });
    });
    const date = async () => (await application.client.get('/')).headers['date'];
    expect(await date()).toBe('Mon, 30 Sep 2019 22:34:01 GMT');
    nowMs += 1000;
    expect(await date()).toBe('Mon, 30 Sep 2019 22:34:02 GMT');
    await application.stop();
  });

  it('may be for a route only', async () => {
    const application = await testApplication((app) => {
      const root = routing(app, (r) => r.get('/2', (call) => call.respondText('x')));
      const route = root.route('/1');
      route.install(DefaultHeaders);
      route.get((call) => call.respondText('x'));
    });
    expect((await application.client.get('/1')).headers['server']).toMatch(/^Portico/);
    expect((await application.client.get('/2')).headers['server']).toBeUndefined();
    await application.stop();
  });

  it('refuses what is no header', async () => {
    const starting = testApplication((app) => {
      app.install(DefaultHeaders, (config) => config.header('X-A', 'b\r\nc'));
    });
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_INVALID_HEADER' });
  });
});
