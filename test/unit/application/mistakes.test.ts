import { describe, expect, it } from '@jest/globals';
import {
  type Application,
  applicationEnvironment,
  createApplicationPlugin,
  createRouteScopedPlugin,
  type RootRoute,
  routing,
} from 'portico';
import { Authentication, authenticate, basic } from 'portico/plugins/authentication';
import { HSTS } from 'portico/plugins/hsts';
import { RateLimit, rateLimit } from 'portico/plugins/rate-limit';
import { RequestValidation } from 'portico/plugins/request-validation';
import { Sessions, sessionKey } from 'portico/plugins/sessions';
import { singlePageApplication, staticFiles } from 'portico/plugins/static-content';
import { testApplication } from 'portico/testing';
import { Events } from '#host/application/events.js';

const Plain = createApplicationPlugin('Plain', { createConfig: () => ({}), install: () => undefined });
const Someone = basic('someone', { validate: () => undefined });
const missing = undefined as never;
const late = async (): Promise<void> => Promise.reject(new Error('nobody waits for this'));

/** What the start of an application says whose module does this. */
async function startWith(module: (application: Application) => unknown): Promise<unknown> {
  try {
    const engine = await testApplication((application) => void module(application), {
      environment: applicationEnvironment(),
    } as never);
    await engine.stop();
    return undefined;
  } catch (error) {
    return error;
  }
}

const inRoutes = (configure: (route: RootRoute) => unknown) => (application: Application) =>
  routing(application, (route) => void configure(route));

describe('what configures something asynchronously', () => {
  it.each<[string, (application: Application) => unknown]>([
    ['the plugin Plain', (application) => application.install(Plain, late)],
    ['the routing', (application) => routing(application, late)],
    ['the route /x', inRoutes((r) => r.route('/x', late))],
    ['the route /(method:GET)', inRoutes((r) => r.method('GET', late))],
    ['the session cart', (a) => a.install(Sessions, (c) => c.cookie(sessionKey('cart'), late))],
    ['the session key', (a) => a.install(Sessions, (c) => c.header(sessionKey('key'), late))],
    ['HSTS of a.example', (a) => a.install(HSTS, (config) => config.withHost('a.example', late))],
    ['static content', inRoutes((r) => staticFiles(r, '/s', '.', late))],
    ['static content', inRoutes((r) => singlePageApplication(r, late))],
    [
      'the route /(authenticate "someone")',
      (application) => {
        application.install(Authentication, (config) => config.provider(Someone));
        routing(application, (r) => void authenticate(r, Someone, late));
      },
    ],
    [
      'the route /(rateLimit all)',
      (application) => {
        application.install(RateLimit, (c) => c.register('all', { limit: 1, refillPeriodMs: 1 }));
        routing(application, (r) => rateLimit(r, 'all', late));
      },
    ],
  ])('%s is refused', async (what, module) => {
    expect(await startWith(module)).toMatchObject({
      code: 'PORTICO_CONFIGURED_LATER',
      message: expect.stringContaining(`What configures ${what} is asynchronous`),
    });
  });
});

describe('what is no function', () => {
  it.each<[string, (application: Application) => unknown]>([
    ['What configures the plugin Plain', (application) => application.install(Plain, 5 as never)],
    ['What configures the routing', (application) => routing(application, 5 as never)],
    ['What configures the route /x', inRoutes((r) => r.route('/x', 5 as never))],
    ['createConfig of the plugin X', () => createApplicationPlugin('X', { install: () => 0 } as never)],
    ['install of the plugin X', () => createRouteScopedPlugin('X', { createConfig: () => 0 } as never)],
    ['A validation', (a) => a.install(RequestValidation, (config) => config.validate(Date, missing))],
  ])('%s is refused', async (what, module) => {
    expect(await startWith(module)).toMatchObject({
      code: 'PORTICO_NOT_A_FUNCTION',
      message: expect.stringContaining(`${what} must be a function`),
    });
  });

  it('no list of modules either', async () => {
    await expect(testApplication(missing)).rejects.toMatchObject({ code: 'PORTICO_NOT_A_FUNCTION' });
    await expect(testApplication(5 as never, (t) => t.client.get('/'))).rejects.toMatchObject({
      code: 'PORTICO_NOT_A_FUNCTION',
    });
  });
});

describe('what was imported by a wrong name', () => {
  it('is no schema', async () => {
    const code = 'PORTICO_NOT_A_SCHEMA';
    expect(() => sessionKey('cart', {} as never)).toThrow(expect.objectContaining({ code }));
    expect(
      await startWith((a) => a.install(RequestValidation, (c) => c.validate(missing, () => undefined))),
    ).toMatchObject({ code });
    const engine = await testApplication(
      (application) => void routing(application, (r) => r.post('/', (call) => call.receive({} as never))),
      { rethrowErrors: true },
    );
    await expect(engine.client.post('/', { json: 1 })).rejects.toMatchObject({
      code,
      message: expect.stringContaining('receive() needs a schema'),
    });
    await engine.stop();
  });

  it('is no event', () => {
    expect(() => new Events().subscribe(missing, () => undefined)).toThrow(
      expect.objectContaining({
        code: 'PORTICO_NOT_AN_EVENT',
        message: expect.stringContaining('got undefined'),
      }),
    );
  });
});
