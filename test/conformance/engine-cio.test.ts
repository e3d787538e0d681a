import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { type Application, applicationEnvironment, ConsoleLog, routing } from 'portico';
import { CIO, embeddedServer } from 'portico/embedded';
import { CioApplicationEngine } from '#host/engine/cio/cio-application-engine.js';
import { startEmbedded } from '#test/support/embedded-engine.js';
import { sendHttp } from '#test/support/http-engine-client.js';
import { embeddedEngineSuite } from './engine-suite.js';

const log = new ConsoleLog('silent');

embeddedEngineSuite(CIO);

describe('embeddedServer', () => {
  it('says which port is in use, and stops the application again', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const engine = embeddedServer(CIO, { host: '127.0.0.1', port, log }, () => undefined);
    await expect(engine.start()).rejects.toMatchObject({ code: 'PORTICO_PORT_IN_USE' });
    await engine.stop();
    await new Promise((resolve) => other.close(resolve));
  });

  it('listens where the environment says when the engine is made by itself', async () => {
    const address = { scheme: 'http', host: '127.0.0.1', port: 0 } as const;
    const environment = applicationEnvironment({ log, connectors: [address, address] });
    const engine = new CioApplicationEngine({ environment, connectors: [], modules: [] });
    await engine.start();
    expect((await engine.resolvedConnectors()).map(({ host }) => host)).toEqual(['127.0.0.1', '127.0.0.1']);
    await engine.stop();
  });

  it('matches the root path itself', async () => {
    const module = (application: Application): void =>
      void routing(application, (r) => void r.get('/x', (call) => call.request.path));
    const { engine, port } = await startEmbedded(CIO, module, { rootPath: '/app' });
    expect(await (await sendHttp(port, 'GET', '/app/x')).text()).toBe('/app/x');
    expect((await sendHttp(port, 'GET', '/x')).status).toBe(404);
    await engine.stop();
  });
});
