import { Router } from 'express';
import type { AdminCollaborators } from './admin-collaborators.js';
import { allowOnly, sendUnknown } from './application-routes.js';

/**
 * `/v1/applications/NAME/deployments`: what became of each deployment, newest first. `POST …/rollback`: content that
 * served before serves again; `?to=` is a number of these, or the beginning of a fingerprint.
 */
export function deploymentRoutes({ deployments }: AdminCollaborators): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/applications/:name/deployments', (request, response) => {
    // Of what is not deployed any more there may still be a history.
    const name = deployments.find(request.params.name)?.name ?? request.params.name;
    const history = deployments.deployments(name);
    if (history === undefined) return sendUnknown(response, name);
    return void response.json({ name, deployments: history });
  });
  router.post('/applications/:name/rollback', async (request, response) => {
    const status = deployments.find(request.params.name);
    if (status === undefined) return sendUnknown(response, request.params.name);
    const { to } = request.query;
    const application = await deployments.rollback(status.name, typeof to === 'string' ? to : undefined);
    return void response.json({ application });
  });
  router.all('/applications/:name/deployments', allowOnly('GET, HEAD'));
  router.all('/applications/:name/rollback', allowOnly('POST'));
  return router;
}
