import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import { BodyLimit } from 'portico/plugins/body-limit';
import { MethodOverride } from 'portico/plugins/method-override';
import { testApplication } from 'portico/testing';

describe('BodyLimit', () => {
  it.each([Number.NaN, -1, '5' as never])('refuses calls with 500 when its limit is %s', async (limit) => {
    const application = await testApplication((app) => {
      app.install(BodyLimit, (config) => {
        config.limitBytes = () => limit;
      });
      routing(app, (r) => r.post('/', async (call) => call.respondText(await call.receiveText())));
    });
    expect((await application.client.post('/', { body: 'x' })).status).toBe(500);
    await application.stop();
  });

  it('answers 413 for a body that grows too large on a real connection', async () => {
    const server = embeddedServer(CIO, { port: 0, host: '127.0.0.1' }, (app) => {
      app.install(BodyLimit, (config) => {
        config.limitBytes = () => 100_000;
      });
      app.install(MethodOverride);
      routing(app, (r) => {
        r.post('/', async (call) => call.respondText(String((await call.receiveBytes()).length)));
        r.put('/', (call) => call.respondText('put'));
      });
    });
    await server.start();
    const [connector] = await server.resolvedConnectors();
    const url = `http://127.0.0.1:${connector?.port}/`;
    const post = (chunks: number) =>
      fetch(url, {
        method: 'POST',
        duplex: 'half',
        body: new ReadableStream({
          start(controller) {
            for (let i = 0; i < chunks; i++) controller.enqueue(Buffer.alloc(10_000));
            controller.close();
          },
        }),
      } as RequestInit);
    const small = await post(10);
    expect([small.status, await small.text()]).toEqual([200, '100000']);
    expect((await post(11)).status).toBe(413);
    const headers = { 'X-HTTP-Method-Override': 'PUT' };
    expect(await (await fetch(url, { method: 'POST', headers })).text()).toBe('put');
    expect((await fetch(url, { method: 'POST', headers: { 'X-HTTP-Method-Override': 'a b' } })).status).toBe(
      400,
    );
    await server.stop();
  });
});
