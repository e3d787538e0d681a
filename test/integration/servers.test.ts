import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io } from 'socket.io-client';
import { TestHost } from '#test/support/host.js';
import { fixturesFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';

const kinds = [
  'express',
  'koa',
  'fastify',
  'hono',
  'fetch',
  'handler',
  'http-server',
  'program-cjs',
  'program-esm',
  'promise',
  'socket-io',
];

describe('Node servers, unchanged, behind one port', () => {
  let host: TestHost;
  beforeAll(async () => {
    const apps = kinds.map((kind) => [kind, join(fixturesFolder, 'bundles', kind)]);
    host = await TestHost.start({ apps: Object.fromEntries(apps) });
  });
  afterAll(async () => {
    expect(await host.stop()).toBe(0);
  });

  it('runs each in a process of its own', async () => {
    const applications = await host.applications();
    expect(applications.map(({ name, state }) => `${name} ${state}`)).toEqual(
      [...kinds].sort().map((kind) => `${kind} running`),
    );
    expect(new Set(applications.map(({ instances }) => instances[0]?.pid)).size).toBe(kinds.length);
  });

  it.each([
    ['express', 'express 127.0.0.1 /x'],
    ['koa', '{"koa":"/x","ip":"127.0.0.1"}'],
    ['fastify', '{"fastify":"/x"}'],
    ['hono', 'hono /x'],
    ['handler', 'handler GET /x'],
    ['http-server', 'server /x'],
    ['program-cjs', 'program /x'],
    ['program-esm', 'program /x'],
    ['promise', 'promised /x'],
  ])('%s sees the path without the context path', async (kind, answer) => {
    // Those with a route for the root only are asked for the root.
    const path = ['express', 'fastify', 'hono'].includes(kind) ? '/' : '/x';
    expect(await host.text(`/${kind}${path}`)).toBe(answer.replace('/x', path));
  });

  it('gives Express its body, and the prefix back to its cookies and redirects', async () => {
    const echo = await host.get('/express/echo', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ a: [1, 2] }),
    });
    expect(await echo.json()).toEqual({ a: [1, 2] });
    const login = await host.get('/express/login');
    expect(login.headers.get('location')).toBe('/express/');
    expect(login.headers.get('set-cookie')).toContain('Path=/express');
  });

  it('answers 500 for a route that throws, and goes on', async () => {
    expect((await host.get('/express/throw')).status).toBe(500);
    expect(await host.text('/express/')).toContain('express');
  });

  it('streams server-sent events of Hono and a stream of a fetch object', async () => {
    expect(await host.text('/hono/events')).toBe('data: one\n\ndata: two\n\n');
    expect(await host.text('/fetch/stream')).toBe('abc');
  });

  it('carries socket.io: polling first, then a WebSocket', async () => {
    // The upgrade may come before or after the connection of the namespace.
    const client = io(host.url(''), { path: '/socket-io/socket.io/' });
    await new Promise((resolve, reject) =>
      client.once('connect', () => resolve(0)).once('connect_error', reject),
    );
    await until('the connection is a WebSocket', () =>
      client.io.engine.transport.name === 'websocket' ? true : undefined,
    );
    client.close();
  });
});
