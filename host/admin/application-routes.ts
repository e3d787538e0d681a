import { type Request, type Response, Router } from 'express';
import type { ApplicationStatus } from '../deployer/application-status.js';
import type { AdminCollaborators } from './admin-collaborators.js';
import { sendError } from './admin-errors.js';

type Action = 'start' | 'stop' | 'reload';

/**
 * `/v1/applications`. A name is one path segment, so `#` and `/` in it are percent-encoded: `foo%23bar%23%232`;
 * a context path serves as well as a name: `%2Ffoo%2Fbar`.
 */
export function applicationRoutes({ deployments, server }: AdminCollaborators): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const shown = (status: ApplicationStatus): ApplicationStatus => {
    const maintenance = server.maintenance?.of(status);
    return maintenance === undefined ? status : { ...status, maintenance: maintenance.scope };
  };
  router.get('/applications', (_request, response) => {
    response.json({ applications: deployments.list().map(shown) });
  });
  router.get('/applications/:name', (request, response) => {
    const status = deployments.find(request.params.name);
    if (status === undefined) return sendUnknown(response, request.params.name);
    return void response.json({ application: shown(status) });
  });
  router.delete('/applications/:name', async (request, response) => {
    const status = deployments.find(request.params.name);
    if (status === undefined) return sendUnknown(response, request.params.name);
    await deployments.undeploy(status.name);
    return void response.status(204).end();
  });
  const act = (action: Action) => async (request: Request<{ name: string }>, response: Response) => {
    const status = deployments.find(request.params.name);
    if (status === undefined) return sendUnknown(response, request.params.name);
    return void response.json({ application: await deployments[action](status.name) });
  };
  for (const action of ['start', 'stop', 'reload'] as const) {
    router.post(`/applications/:name/${action}`, act(action));
    router.all(`/applications/:name/${action}`, allowOnly('POST'));
  }
  router.all('/applications', allowOnly('GET, HEAD'));
  router.all('/applications/:name', allowOnly('GET, HEAD, DELETE'));
  return router;
}

/** Answers what the routes before it did not take. */
export function allowOnly(methods: string): (request: Request, response: Response) => void {
  return (request, response) => {
    response.set('Allow', methods);
    sendError(
      response,
      405,
      'PORTICO_ADMIN_METHOD',
      `${request.method} is not possible here; use ${methods}.`,
    );
  };
}

/** 404: nothing is known of the name. */
export function sendUnknown(response: Response, name: string): void {
  const message = `No application has the name or path ${JSON.stringify(name)}. GET /v1/applications lists them.`;
  sendError(response, 404, 'PORTICO_APPLICATION_UNKNOWN', message);
}
