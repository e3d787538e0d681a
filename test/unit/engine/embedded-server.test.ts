import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import {
  type Application,
  ApplicationStopped,
  AttributeKey,
  ConsoleLog,
  type Plugin,
  routing,
} from 'portico';
import { CIO, embeddedServer, Node } from 'portico/embedded';
import { until } from '#test/support/polling.js';

function hello(application: Application): void {
  routing(application, (r) => r.get('/', () => 'hello'));
}

async function listening(port = 0): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
const host = '127.0.0.1';

describe.each([CIO, Node])('embeddedServer on $name', (engine) => {
  it.each<[string, object, RegExp]>([
    [
      'a limit below its least',
      { limits: { maxHeaderBytes: 0 } },
      /limits\.maxHeaderBytes must be .* from 1 .* is 0/,
    ],
    ['a time that no timer can have', { limits: { headerTimeoutMs: 2 ** 31 } }, /limits\.headerTimeoutMs/],
    [
      'a limit that does not exist',
      { limits: { maxHeaders: 1 } },
      /limits\.maxHeaders is no limit; there are maxH/,
    ],
    ['a port beyond the last', { port: 65_536 }, /is 65536/],
    ['a host that is no text', { host: 5 as never }, /A host .* is the number 5/],
    ['a time below 0', { responseTimeoutMs: -1 }, /responseTimeoutMs .* is the number -1/],
    ['a time that is none', { shutdownTimeoutMs: Number.NaN }, /shutdownTimeoutMs .* is the number NaN/],
    ['a time that no timer can wait', { startTimeoutMs: 1e12 }, /startTimeoutMs must be .* to 2147483647/],
    ['a way to start that does not exist', { startup: 'lazy' as never }, /startup must be sequential or/],
    ['a certificate that is none', { connectors: [{ host, port: 0, tls: { key: 'x', cert: 'y' } }] }, /PEM/],
  ])('refuses %s', async (_, settings, message) => {
    const log = new ConsoleLog('silent');
    const made = async () => embeddedServer(engine, { host, port: 0, log, ...settings }, hello).start();
    await expect(made()).rejects.toMatchObject({
      code: 'PORTICO_ENGINE_SETTING',
      message: expect.stringMatching(message),
    });
  });

  it('refuses what is no settings', () => {
    expect(() => embeddedServer(engine, undefined as never, hello)).toThrow(
      expect.objectContaining({ code: 'PORTICO_ENGINE_SETTING' }),
    );
  });

  it('refuses what is no module', () => {
    const made = (modules: unknown) => () => embeddedServer(engine, { port: 0 }, modules as () => void);
    for (const modules of [null, 5, 'shop.js'])
      expect(made(modules)).toThrow(expect.objectContaining({ code: 'PORTICO_ENGINE_SETTING' }));
  });

  it('says which module calls itself without an end', async () => {
    function shop(application: Application): void {
      shop(application);
    }
    for (const startup of ['sequential', 'concurrent'] as const) {
      const settings = { port: 0, host, startup, log: new ConsoleLog('silent') };
      await expect(embeddedServer(engine, settings, shop).start()).rejects.toMatchObject({
        code: 'PORTICO_MODULE_RECURSION',
        message: expect.stringMatching(/^Module shop calls itself/),
        cause: expect.objectContaining({ name: 'RangeError' }),
      });
    }
  });

  it('stops in its time while the application is reloaded, and ends what comes of the reload', async () => {
    const release: (() => void)[] = [];
    const ended: string[] = [];
    let starts = 0;
    const server = embeddedServer(engine, { port: 0, host }, async (application) => {
      const generation = ++starts;
      application.monitor.subscribe(ApplicationStopped, () => void ended.push(`${generation}`));
      if (generation > 1) await new Promise<void>((resolve) => release.push(resolve));
    });
    await server.start();
    const reloading = server.reload();
    await until('the second one is being started', () => release.length === 1 || undefined);
    await server.stop(0, 50);
    expect(server.hasCut).toBe(true);
    release[0]?.();
    await reloading;
    expect(ended).toEqual(['1', '2']);
    expect(() => server.application).toThrow();
  });

  it('closes the connectors before the one whose port is in use, with their connections', async () => {
    const [taken, free] = [await listening(), await listening()];
    const [takenPort, freePort] = [portOf(taken), portOf(free)];
    free.close();
    const connectors = [
      { host, port: freePort },
      { host, port: takenPort },
    ];
    const server = embeddedServer(engine, { connectors, log: new ConsoleLog('silent') }, hello);
    await expect(server.start()).rejects.toMatchObject({ code: 'PORTICO_PORT_IN_USE' });
    const again = await listening(freePort);
    again.close();
    taken.close();
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });

  it('keeps its shutdown hook when it is started a second time', async () => {
    const server = embeddedServer(engine, { host, port: 0, log: new ConsoleLog('silent') }, hello);
    await server.start();
    await expect(server.start()).rejects.toMatchObject({ code: 'PORTICO_ENGINE_STATE' });
    expect(process.listenerCount('SIGTERM')).toBe(1);
    await server.stop();
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });

  it('serves several connectors, and closes all of them', async () => {
    const connectors = [
      { host, port: 0 },
      { host, port: 0 },
    ];
    const server = embeddedServer(engine, { connectors, log: new ConsoleLog('silent') }, hello);
    await server.start();
    const ports = (await server.resolvedConnectors()).map(({ port }) => port);
    for (const port of ports) {
      const response = await fetch(`http://${host}:${port}/`, { headers: { connection: 'close' } });
      expect(await response.text()).toBe('hello');
    }
    await server.stop();
    for (const port of ports) {
      const [error] = (await once(connect(port, host), 'error').catch((thrown: unknown) => [thrown])) as [
        NodeJS.ErrnoException,
      ];
      expect(error.code).toBe('ECONNREFUSED');
    }
  });
});

describe('embeddedServer', () => {
  it('refuses what is no engine', () => {
    const noEngine = undefined as unknown as typeof CIO;
    expect(() => embeddedServer(noEngine, { port: 0 }, hello)).toThrow(
      expect.objectContaining({ code: 'PORTICO_ENGINE_SETTING' }),
    );
  });
});

describe('a reload', () => {
  it('does not wait for ever for a plugin of the old application that does not close', async () => {
    const log = new ConsoleLog('silent');
    const stuck: Plugin<Application, object, object> = {
      key: new AttributeKey<object>('Stuck'),
      install: () => ({ close: () => new Promise<void>(() => undefined) }),
    };
    let starts = 0;
    const server = embeddedServer(CIO, { host, port: 0, log, shutdownTimeoutMs: 100 }, (application) => {
      if (starts++ === 0) application.install(stuck);
      hello(application);
    });
    await server.start();
    await server.reload();
    const [connector] = await server.resolvedConnectors();
    const response = await fetch(`http://${host}:${connector?.port}/`, { headers: { connection: 'close' } });
    expect(await response.text()).toBe('hello');
    await server.stop(0, 100);
  });
});
