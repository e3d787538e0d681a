import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { CORS, type CorsConfig } from 'portico/plugins/cors';
import { testApplication } from 'portico/testing';

async function ask(configure: (config: CorsConfig) => void, headers: Record<string, string>) {
  const application = await testApplication((app) => {
    app.install(CORS, configure);
    routing(app, (r) =>
      r.get('/', (call) => {
        call.response.header('Vary', 'Accept, origin');
        return 'ok';
      }),
    );
    routing(app, (r) => r.get('/plain', () => 'ok'));
  });
  const plain = await application.client.get('/plain', { headers });
  const varied = await application.client.get('/', { headers });
  await application.stop();
  return {
    status: plain.status,
    allowed: plain.header('access-control-allow-origin'),
    vary: plain.header('vary'),
    varied: varied.header('vary'),
  };
}

describe('CORS', () => {
  const one = (config: CorsConfig): void => config.allowHost('Shop.Example');

  it('lets no cache give the answer of one origin to another, or to none', async () => {
    for (const headers of [{}, { Origin: 'http://localhost' }, { Origin: 'http://other.example' }])
      expect((await ask(one, headers as Record<string, string>)).vary).toBe('Origin');
    expect((await ask((config) => config.anyHost(), {})).vary).toBeUndefined();
  });

  it('compares hosts without regard to case', async () => {
    expect((await ask(one, { Origin: 'https://shop.example' })).allowed).toBe('https://shop.example');
  });

  it.each([
    'http://evil.example/.a.example:80',
    'http://evil.example/.a.example',
    'http://evila.example',
    'http://.a.example.evil.example',
    'null',
  ])('takes %s for no subdomain', async (origin) => {
    const { status, allowed } = await ask((config) => config.allowHost('*.a.example'), { Origin: origin });
    expect([status, allowed]).toEqual([403, undefined]);
  });

  it('knows its own origin by IPv6 address and port', async () => {
    const headers = { Host: '[::1]:8080', Origin: 'http://[::1]:8080' };
    expect((await ask(one, headers)).status).toBe(200);
    expect((await ask(one, { ...headers, Origin: 'http://[::1]' })).status).toBe(403);
  });
});
