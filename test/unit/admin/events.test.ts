import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { applicationStatus, TestAdmin } from '#test/support/admin-server.js';

let admin: TestAdmin;

beforeEach(async () => {
  admin = await new TestAdmin([applicationStatus('shop')]).start();
  admin.log.info({ event: 'deployed', application: 'shop' }, 'shop serves /shop');
  admin.log.warn({ event: 'restarting', application: 'shop' }, 'again');
  admin.log.info({ event: 'deployed', application: 'gone' }, 'gone serves /gone');
});
afterEach(() => admin.stop());

const eventsOf = async (query: string): Promise<unknown[]> =>
  (await admin.ask('GET', `/v1/events${query}`)).json['events'] as unknown[];

describe('/v1/events', () => {
  it('lists them, of one application by name or path, and those after a number', async () => {
    expect(await eventsOf('')).toHaveLength(3);
    expect(await eventsOf('?application=%2Fshop')).toMatchObject([
      { event: 'deployed' },
      { event: 'restarting' },
    ]);
    expect(await eventsOf('?application=gone')).toMatchObject([{ application: 'gone' }]);
    expect(await eventsOf('?application=shop&after=1')).toMatchObject([{ number: 2 }]);
    expect(await eventsOf('?application=nobody')).toEqual([]);
  });

  it('refuses a number that is none, and other methods', async () => {
    expect((await admin.ask('GET', '/v1/events?after=x')).status).toBe(400);
    expect((await admin.ask('POST', '/v1/events')).status).toBe(405);
  });

  it('is counted for what is deployed', async () => {
    const { text } = await admin.ask('GET', '/metrics');
    expect(text).toContain('portico_events_total{event="restarting",application="shop"} 1');
    expect(text).not.toContain('application="gone"');
  });
});
