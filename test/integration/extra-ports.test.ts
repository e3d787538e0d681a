import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HostEvent } from '#host/log/event-log.js';
import { type BundleContent, TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

/** Listens where it is told to, itself or in a child; says the port, or the error. */
const OPENER = `
import { createServer as createNet } from 'node:net';
import { createServer } from 'node:http';
import { spawn } from 'node:child_process';
const handle = (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://x');
  const port = Number(searchParams.get('port') ?? 0);
  const host = searchParams.get('host') ?? '127.0.0.1';
  if (pathname === '/child') {
    const code = "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))";
    spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout.once('data', (data) => response.end(data));
    return;
  }
  if (pathname === '/') return response.end('here');
  const server = pathname === '/http' ? createServer() : createNet((socket) => socket.on('error', () => undefined).end('past the host'));
  server.on('error', (error) => response.end(error.code));
  server.listen({ port, host }, () => response.end(String(server.address().port)));
};`;
const apps: Record<string, BundleContent> = {
  opener: { 'package.json': '{ "main": "app.mjs" }', 'app.mjs': `${OPENER}\nexport default handle;` },
  program: {
    'application.yaml': `portico: { application: { command: [${process.execPath}, app.mjs] } }\n`,
    'app.mjs': `${OPENER}\ncreateServer(handle).listen(Number(process.env.PORT), '127.0.0.1');`,
  },
  quiet: { 'package.json': '{ "main": "app.mjs" }', 'app.mjs': "export default (q, r) => r.end('quiet');" },
};

interface PortEvent {
  readonly application: string;
  readonly instance: string;
  readonly address: string;
  readonly port: number;
}

describe('a port that an application opens itself', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({ apps });
  }, 120_000);
  afterAll(async () => {
    await host.stop();
  });

  const told = async (): Promise<readonly PortEvent[]> => {
    const { events } = (await (await host.admin('/v1/events')).json()) as { events: HostEvent[] };
    const ports = events.filter(({ event }) => event === 'extra-port');
    return ports.map(({ application, details }) => ({ ...(details as unknown as PortEvent), application }));
  };

  (existsSync('/proc/net/tcp') ? it : it.skip).each([
    ['opener', '/net', '127.0.0.1'],
    ['opener', '/net?host=0.0.0.0', '0.0.0.0'],
    ['opener', '/child', '127.0.0.1'],
    ['program', '/http', '127.0.0.1'],
  ])('%s%s: is open past the host, and an event names it', async (application, path, address) => {
    const port = Number(await host.text(`/${application}${path}`));
    expect(port).toBeGreaterThan(0);
    const event = await until('it is told', async () => (await told()).find((one) => one.port === port));
    expect(event).toMatchObject({ application, address });
    expect(event.instance).toContain(`${application}@`);
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    expect((await told()).filter((one) => one.port === port)).toHaveLength(1);
  });

  it('ends with the application', async () => {
    const port = Number(await host.text('/opener/net'));
    expect((await host.admin('/v1/applications/opener/stop', 'POST')).status).toBe(200);
    await until('it is closed', async () => {
      const socket = connect(port, '127.0.0.1');
      const [error] = (await Promise.race([once(socket, 'connect'), once(socket, 'error')]).catch(
        (thrown: unknown) => [thrown],
      )) as [{ code?: string } | undefined];
      socket.destroy();
      return error?.code === 'ECONNREFUSED';
    });
    expect((await host.admin('/v1/applications/opener/start', 'POST')).status).toBe(200);
  });

  it.each(['/opener/net', '/opener/http', '/program/net', '/program/http'])(
    '%s: cannot be one of the host: it gets EADDRINUSE, and the host answers as before',
    async (path) => {
      for (const port of [host.port, host.adminPort]) {
        expect(await host.text(`${path}?port=${port}`)).toBe('EADDRINUSE');
        expect(await host.text(`${path}?port=${port}&host=0.0.0.0`)).toBe('EADDRINUSE');
      }
      expect(await host.text('/quiet/')).toBe('quiet');
      expect((await host.admin('/v1/applications')).status).toBe(200);
    },
  );

  it('is not told of those that only the host has given', async () => {
    expect((await told()).filter(({ application }) => application === 'quiet')).toEqual([]);
    expect(await host.text('/program/')).toBe('here');
  });
});
