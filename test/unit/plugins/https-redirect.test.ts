import { describe, expect, it } from '@jest/globals';
import { type Application, routing } from 'portico';
import { HttpsRedirect } from 'portico/plugins/https-redirect';
import { MethodOverride } from 'portico/plugins/method-override';
import { testApplication } from 'portico/testing';

describe('HttpsRedirect', () => {
  const module = (app: Application): void => {
    app.install(HttpsRedirect, (config) => {
      config.excludePrefix('/health');
      config.excludeSuffix('/');
    });
    routing(app, (r) => {
      r.get('/health', () => 'well');
      r.get('/', () => 'root');
    });
  };

  it.each([
    ['alone', { rootPath: '/shop' }, '/shop'],
    ['in the container', { rootPath: '/shop', isRootPathRemoved: true }, ''],
  ])('goes by paths of the application %s', async (_, settings, prefix) => {
    const application = await testApplication(module, settings);
    const get = async (path: string) => {
      const { status, headers } = await application.client.get(prefix + path);
      return `${status} ${headers['location'] ?? ''}`;
    };
    expect(await get('/health')).toBe('200 ');
    expect(await get('/')).toBe('200 ');
    expect(await get('/items?a=1')).toBe('301 https://localhost/shop/items?a=1');
    expect(await get('/shopping')).toBe('301 https://localhost/shop/shopping');
    await application.stop();
  });

  it('keeps the brackets of an address', async () => {
    const application = await testApplication(module);
    const headers = { Host: '[2001:db8::1]:8080' };
    const response = await application.client.get('/items', { headers });
    expect(response.header('location')).toBe('https://[2001:db8::1]/items');
    await application.stop();
  });
});

describe('MethodOverride', () => {
  it('keeps caches from giving its answers to others', async () => {
    const application = await testApplication((app) => {
      app.install(MethodOverride);
      routing(app, (r) => {
        r.get('/', () => 'got');
        r.delete('/', () => 'deleted');
      });
    });
    const headers = { 'X-HTTP-Method-Override': 'DELETE' };
    const response = await application.client.get('/', { headers });
    expect([await response.text(), response.header('vary')]).toEqual(['deleted', 'X-HTTP-Method-Override']);
    await application.stop();
  });
});
