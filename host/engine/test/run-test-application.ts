import { TestApplication } from './test-application-object.js';

/**
 * Gives a test an application that it puts together itself, and stops it at the end of the test, whatever happens. The
 * first request starts it, or `t.start()`.
 *
 * ```ts
 * await runTestApplication(async (t) => {
 *   t.application(shopModule);
 *   t.environment({ config: new MapApplicationConfig([['portico.deployment.environment', 'test']]) });
 *   t.externalServices((services) => services.hosts('https://api.example', fakeApi));
 *   const response = await t.client.get('/');
 * });
 * ```
 */
export async function runTestApplication<Result>(
  test: (t: TestApplication) => Result | Promise<Result>,
): Promise<Result> {
  const application = new TestApplication();
  try {
    return await test(application);
  } finally {
    await application.stop();
  }
}
