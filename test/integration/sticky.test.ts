import { afterEach, describe, expect, it } from '@jest/globals';
import { processTarget, routeOf, TestFront } from '#test/support/front.js';
import { TestInstance } from '#test/support/instance.js';

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});

async function start(count: number): Promise<{ front: TestFront; instances: TestInstance[] }> {
  const front = await TestFront.start();
  open.push(front);
  const instances: TestInstance[] = [];
  for (let index = 0; index < count; index += 1) {
    const answer = `instance ${index}`;
    instances.push(
      await TestInstance.start((exchange) =>
        exchange.respond(exchange.head.path === '/bad' ? 500 : 200, [], answer),
      ),
    );
  }
  open.unshift(...instances);
  await front.route([routeOf('/shop', target(instances))]);
  return { front, instances };
}

const target = (instances: readonly TestInstance[]) =>
  processTarget(
    'shop@1',
    instances.map(({ address }) => address),
    { isSticky: true },
  );

describe('clients of an application with several instances that are to stay', () => {
  it('get a cookie with the first answer, and the same instance from then on', async () => {
    const { front } = await start(3);
    for (let client = 0; client < 3; client += 1) {
      const first = await front.get('/shop/');
      const cookie = first.headers.get('set-cookie') ?? '';
      expect(cookie).toMatch(/^portico-instance=[\w-]{22}; Path=\/shop; HttpOnly; SameSite=Lax$/i);
      const headers = { cookie: cookie.split(';')[0] ?? '' };
      const text = await first.text();
      for (let again = 0; again < 4; again += 1) {
        const next = await front.get('/shop/', { headers });
        expect([await next.text(), next.headers.get('set-cookie')]).toEqual([text, null]);
      }
    }
  });

  it('go to another one when theirs is gone, and stay there', async () => {
    const { front, instances } = await start(3);
    const first = await front.get('/shop/');
    const text = await first.text();
    const headers = { cookie: (first.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
    const left = instances.filter((_, index) => text !== `instance ${index}`);
    await front.route([routeOf('/shop', target(left))]);
    const next = await front.get('/shop/', { headers });
    expect(await next.text()).not.toBe(text);
    expect(next.headers.get('set-cookie')).toMatch(/^portico-instance=/);
  });

  it('get no cookie with an answer that failed, nor where there is one instance', async () => {
    const { front, instances } = await start(2);
    expect((await front.get('/shop/bad')).headers.get('set-cookie')).toBeNull();
    await front.route([routeOf('/shop', target(instances.slice(0, 1)))]);
    expect((await front.get('/shop/')).headers.get('set-cookie')).toBeNull();
  });
});
