import { type Request, type Response, Router } from 'express';
import type { ApplicationStatus } from '../deployer/application-status.js';
import { unknownApplication } from '../deployer/deployer-errors.js';
import type { AdminCollaborators, MaintenanceState, MaintenanceTarget } from './admin-collaborators.js';
import { sendError } from './admin-errors.js';
import { allowOnly } from './application-routes.js';

/**
 * `/v1/maintenance`: what is closed. `POST /v1/applications/NAME/maintenance?file=/abs/page.html&retryAfter=600` closes,
 * DELETE opens again; `/v1/hosts/NAME/maintenance` is the same for a virtual host, `/v1/server/maintenance` for all of it.
 * Names of applications as in `applicationRoutes`. All may be repeated.
 */
export function maintenanceRoutes({
  server,
  deployments,
}: Pick<AdminCollaborators, 'server' | 'deployments'>): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const { maintenance } = server;
  if (maintenance === undefined) return router;
  router.get('/maintenance', (_request, response) => {
    response.json({ maintenance: maintenance.list() });
  });
  router.all('/maintenance', allowOnly('GET, HEAD'));

  const at = (path: string, targetOf: (name: string) => MaintenanceTarget): void => {
    const target = ({ params }: Request) =>
      targetOf(typeof params['name'] === 'string' ? params['name'] : '');
    router.post(path, async (request: Request, response: Response) => {
      const { file, retryAfter } = request.query;
      if (retryAfter !== undefined && (typeof retryAfter !== 'string' || !/^[1-9]\d{0,7}$/.test(retryAfter)))
        return sendError(
          response,
          400,
          'PORTICO_ADMIN_BAD_REQUEST',
          'retryAfter is a number of seconds, from 1.',
        );
      await maintenance.begin(target(request), {
        file: typeof file === 'string' ? file : undefined,
        retryAfterSeconds: retryAfter === undefined ? undefined : Number(retryAfter),
      });
      return void response.status(204).end();
    });
    router.delete(path, async (request: Request, response: Response) => {
      await maintenance.end(target(request));
      response.status(204).end();
    });
    router.all(path, allowOnly('POST, DELETE'));
  };
  at('/applications/:name/maintenance', (name) => {
    // All versions are at one path: the name without a version means them all.
    const isVersion = (one: ApplicationStatus): boolean => one.name.startsWith(`${name}##`);
    const application = deployments.find(name) ?? deployments.list().find(isVersion);
    if (application === undefined) {
      // A path stays closed when its application has gone: the next one there would be closed, too.
      const isHere = ({ scope, path }: MaintenanceState) =>
        scope === 'application' && (path === name || path === `/${name}`);
      const { path } = maintenance.list().find(isHere) ?? {};
      if (path === undefined) throw unknownApplication(name);
      return { scope: 'application', path };
    }
    const { host, path } = application;
    return { scope: 'application', path, ...(host === undefined ? {} : { host }) };
  });
  at('/hosts/:name/maintenance', (name) => ({ scope: 'virtual-host', name }));
  at('/server/maintenance', () => ({ scope: 'host' }));
  return router;
}
