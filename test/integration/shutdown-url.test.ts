import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const stoppable = (configured: string): Record<string, string> => ({
  'package.json': '{ "type": "module" }',
  'application.yaml': `portico:\n  application: { modules: ["app.js#app"] }\n${configured}`,
  'app.js': `import { ApplicationStopped, ApplicationStopPreparing, routing } from 'portico';
import { ShutDownUrl } from 'portico/plugins/shut-down-url';
export function app(application) {
  application.install(ShutDownUrl);
  for (const event of [ApplicationStopPreparing, ApplicationStopped])
    application.monitor.subscribe(event, () => console.log(event.name));
  routing(application, (r) => r.get('/', () => 'hello'));
}
`,
});

describe('the shutdown URL inside the container', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({
      apps: {
        plugin: stoppable(''),
        configured: stoppable('  deployment: { shutdown: { url: /bye } }\n  servlet: { instances: 2 }\n'),
        calm: stoppable(''),
      },
    });
  }, 90_000);
  afterAll(() => host.stop());

  it.each([
    ['plugin', '/plugin/portico/application/shutdown'],
    ['configured', '/configured/bye'],
  ])('stops %s, as an operator would, and nobody else', async (name, url) => {
    const before = (await host.application('calm'))?.instances[0]?.pid;
    expect((await host.get(url)).status).toBe(410);
    const stopped = await host.untilApplication(name, ({ state }) => state === 'stopped');
    expect(stopped.instances).toEqual([]);
    expect((await host.get(`/${name}/`)).status).toBe(503);
    await host.logFile(`${name}/output.log`, /ApplicationStopPreparing[\s\S]*ApplicationStopped/);
    // Said last, when its processes have gone; until then it is busy.
    await until('it is said', () => host.log.includes(`${name}: stopped at its own request`));

    expect(await host.text('/calm/')).toBe('hello');
    expect((await host.application('calm'))?.instances[0]?.pid).toBe(before);
    // It stays so until somebody starts it.
    expect((await host.admin(`/v1/applications/${name}/start`, 'POST')).status).toBe(200);
    expect(await host.text(`/${name}/`)).toBe('hello');
  });
});
