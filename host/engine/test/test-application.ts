import type { Module } from '../../application/application.js';
import { applicationEnvironment, type EnvironmentSettings } from '../../application/environment.js';
import { ConsoleLog } from '../../application/log.js';
import { runTestApplication } from './run-test-application.js';
import { TestApplicationEngine } from './test-application-engine.js';
import type { TestApplication } from './test-application-object.js';
import { testEngineSettings } from './test-engine-settings.js';

/**
 * What an application under test is started with: silent log, unless one is given. Modules that `config` names
 * (`portico.application.modules`) run before the given ones.
 */
export interface TestSettings extends EnvironmentSettings {
  /**
   * Errors of handlers that would be a 500 reject the request of the test instead. Default false here, and true where
   * the application is given to a test as `t`.
   */
  readonly rethrowErrors?: boolean;
  /** Where the modules that the configuration names start from; default the working directory. */
  readonly folder?: string;
}

/**
 * Runs an application in memory: the real pipelines, no socket.
 *
 * With modules alone it is started and given to the caller, who stops it:
 *
 * ```ts
 * const application = await testApplication(shopModule);
 * const response = await application.client.get('/items/7');
 * expect([response.status, await response.text()]).toEqual([200, 'seven']);
 * await application.stop();
 * ```
 *
 * With a test behind the modules it is started by the first request and stopped at the end of the test:
 *
 * ```ts
 * await testApplication(shopModule, async (t) => {
 *   t.environment({ config: { shop: { name: 'Blue' } } });
 *   expect(await (await t.client.get('/')).text()).toBe('Blue');
 * });
 * ```
 */
export function testApplication(
  modules: Module | readonly Module[],
  settings?: TestSettings,
): Promise<TestApplicationEngine>;
export function testApplication<Result>(
  modules: Module | readonly Module[],
  test: (t: TestApplication) => Result | Promise<Result>,
): Promise<Result>;
export async function testApplication(
  modules: Module | readonly Module[],
  given: TestSettings | ((t: TestApplication) => unknown) = {},
): Promise<unknown> {
  const list = Array.isArray(modules) ? (modules as readonly Module[]) : [modules as Module];
  if (typeof given === 'function')
    return runTestApplication((t) => {
      for (const module of list) t.application(module);
      return given(t);
    });
  const { rethrowErrors = false, folder, ...settings } = given;
  const engine = new TestApplicationEngine({
    ...testEngineSettings(
      applicationEnvironment({ log: new ConsoleLog('silent'), ...settings }),
      list,
      folder,
    ),
    rethrowErrors,
  });
  await engine.start();
  return engine;
}
