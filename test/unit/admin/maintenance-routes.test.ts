import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import express from 'express';
import type { AdminCollaborators } from '#host/admin/admin-collaborators.js';
import { maintenanceRoutes } from '#host/admin/maintenance-routes.js';
import { applicationStatus, RememberedDeployments } from '#test/support/admin-server.js';

const opened: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

it('takes the name that the versions of an application share for all of them, at their path', async () => {
  const targets: unknown[] = [];
  const maintenance = {
    list: () => [],
    begin: async (target: unknown) => void targets.push(target),
    end: async (target: unknown) => void targets.push(target),
  };
  const deployments = new RememberedDeployments([
    applicationStatus('shopping'),
    applicationStatus('shop##2', { path: '/store', host: 'a.example' }),
  ]);
  const app = express();
  app.use(maintenanceRoutes({ server: { maintenance }, deployments } as unknown as AdminCollaborators));
  const server = app.listen(0, '127.0.0.1');
  opened.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const url = (name: string): string => `http://127.0.0.1:${port}/applications/${name}/maintenance`;
  expect((await fetch(url('shop'), { method: 'POST' })).status).toBe(204);
  expect((await fetch(url('shop%23%232'), { method: 'DELETE' })).status).toBe(204);
  const target = { scope: 'application', path: '/store', host: 'a.example' };
  expect(targets).toEqual([target, target]);
});
