import { Router } from 'express';
import { unknownApplication } from '../deployer/deployer-errors.js';
import type { AdminCollaborators } from './admin-collaborators.js';
import { sendError } from './admin-errors.js';
import { allowOnly } from './application-routes.js';

/**
 * `/v1/maintenance`: what is closed. `POST /v1/applications/NAME/maintenance?file=/abs/page.html&retryAfter=600` closes,
 * DELETE opens again; names as in `applicationRoutes`. Both may be repeated.
 */
export function maintenanceRoutes({
  server,
  deployments,
}: Pick<AdminCollaborators, 'server' | 'deployments'>): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const { maintenance } = server;
  if (maintenance === undefined) return router;
  const contextOf = (name: string): string => {
    const application = deployments.find(name);
    if (application === undefined) throw unknownApplication(name);
    const { host, path } = application;
    return host === undefined ? path : `${host}${path === '/' ? '' : path}`;
  };
  router.get('/maintenance', (_request, response) => {
    response.json({ maintenance: maintenance.list() });
  });
  router.all('/maintenance', allowOnly('GET, HEAD'));
  router.post('/applications/:name/maintenance', async (request, response) => {
    const { file, retryAfter } = request.query;
    if (retryAfter !== undefined && (typeof retryAfter !== 'string' || !/^\d{1,8}$/.test(retryAfter)))
      return sendError(response, 400, 'PORTICO_ADMIN_BAD_REQUEST', 'retryAfter is a number of seconds.');
    await maintenance.begin(contextOf(request.params.name), {
      file: typeof file === 'string' ? file : undefined,
      retryAfterSeconds: retryAfter === undefined ? undefined : Number(retryAfter),
    });
    return void response.status(204).end();
  });
  router.delete('/applications/:name/maintenance', async (request, response) => {
    await maintenance.end(contextOf(request.params.name));
    response.status(204).end();
  });
  router.all('/applications/:name/maintenance', allowOnly('POST, DELETE'));
  return router;
}
