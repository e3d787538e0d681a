import type { Module } from '../../application/application.js';
import { applicationEnvironment, type EnvironmentSettings } from '../../application/environment.js';
import { ConsoleLog } from '../../application/log.js';
import type { EngineConnector } from '../application-engine.js';
import { BaseEngine } from '../base-engine.js';
import { TestClient } from './test-client.js';

/** The engine for tests: no socket, the real pipelines, requests from `client`. */
export class TestApplicationEngine extends BaseEngine {
  readonly client: TestClient = new TestClient((exchange) => this.accept(exchange));

  protected override open(): Promise<void> {
    return Promise.resolve();
  }

  protected override close(): Promise<void> {
    return Promise.resolve();
  }

  protected override cut(): Promise<void> {
    return Promise.resolve();
  }

  protected override connectors(): readonly EngineConnector[] {
    return [];
  }
}

/** The environment of a test application: silent log, unless one is given. */
export type TestSettings = EnvironmentSettings;

/**
 * Starts an application in memory. Stop it at the end of the test.
 *
 * ```ts
 * const application = await testApplication(shopModule);
 * const response = await application.client.get('/items/7');
 * expect([response.status, await response.text()]).toEqual([200, 'seven']);
 * await application.stop();
 * ```
 */
export async function testApplication(
  modules: Module | readonly Module[],
  settings: TestSettings = {},
): Promise<TestApplicationEngine> {
  const environment = applicationEnvironment({ log: new ConsoleLog('silent'), ...settings });
  const engine = new TestApplicationEngine({
    environment,
    modules: typeof modules === 'function' ? [modules] : modules,
  });
  await engine.start();
  return engine;
}
