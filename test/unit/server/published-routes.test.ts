import { describe, expect, it } from '@jest/globals';
import type { ContextRoute } from '#host/front/messages.js';
import { IdleDeployments } from '#host/server/idle-deployments.js';
import { PublishedRoutes } from '#host/server/published-routes.js';

function route(context: string, deployment: string | undefined): ContextRoute {
  const target: ContextRoute['target'] =
    deployment === undefined
      ? { kind: 'unavailable', state: 'failed', reason: 'x', retryAfterSeconds: 1 }
      : { kind: 'static', deployment, folder: '/' };
  return { context, path: context, application: 'shop', version: '', target, maxBodyBytes: 0 };
}

describe('published routes', () => {
  it('tell which deployments come and leave', () => {
    const routes = new PublishedRoutes();
    expect(routes.change([route('/a', 'one'), route('/b', 'one')], [])).toEqual({ came: ['one'], left: [] });
    expect(routes.change([route('/a', 'two')], [])).toEqual({ came: ['two'], left: [] });
    expect(routes.change([route('/a', 'two')], ['/b', '/unknown'])).toEqual({ came: [], left: ['one'] });
    expect(routes.change([route('/a', undefined)], [])).toEqual({ came: [], left: ['two'] });
    expect(routes.change([route('/a', 'one')], ['/a'])).toEqual({ came: ['one'], left: [] });
    expect([routes.isMapped('one'), routes.isMapped('two')]).toEqual([true, false]);
    expect(routes.all().map(({ context }) => context)).toEqual(['/a']);
    expect(routes.revision).toBe(5);
  });
});

describe('idle deployments', () => {
  it('are idle when every front said so or has ended', async () => {
    const idle = new IdleDeployments();
    idle.removed('one', [1, 2, 3]);
    const told = idle.whenIdle('one', false, 5000);
    idle.frontIdle(1, 'one');
    idle.frontIdle(9, 'one');
    idle.frontGone(2);
    expect(await idle.whenIdle('one', false, 10)).toBe(false);
    idle.frontIdle(3, 'one');
    expect(await told).toBe(true);
  });

  it('are not idle while mapped, and need no front to be idle', async () => {
    const idle = new IdleDeployments();
    expect(await idle.whenIdle('one', true, 10)).toBe(false);
    const told = idle.whenIdle('one', true, 5000);
    idle.removed('one', []);
    expect(await told).toBe(true);
    idle.removed('two', [1]);
    idle.returned('two');
    idle.frontIdle(1, 'two');
    expect(await idle.whenIdle('two', true, 10)).toBe(false);
  });
});
