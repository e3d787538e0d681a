import { Router } from 'express';
import type { AdminCollaborators } from './admin-collaborators.js';
import { allowOnly } from './application-routes.js';

/** `/v1/plan`: what the deployer would do with the drop folder as it is now, and why. Changes nothing. */
export function planRoutes({ deployments }: AdminCollaborators): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/plan', async (_request, response) => {
    response.json({ plan: await deployments.foresee() });
  });
  router.all('/plan', allowOnly('GET, HEAD'));
  return router;
}
