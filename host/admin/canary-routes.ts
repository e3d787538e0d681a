import { Router } from 'express';
import { noCanary } from '../deployer/live/canaries.js';
import type { AdminCollaborators } from './admin-collaborators.js';
import { allowOnly } from './application-routes.js';

/** `/v1/applications/NAME/canary`; names as in `applicationRoutes`, a name without version serves as well. */
export function canaryRoutes({ canaries }: Pick<AdminCollaborators, 'canaries'>): Router {
  const router = Router({ caseSensitive: true, strict: true });
  if (canaries === undefined) return router;
  router.get('/applications/:name/canary', (request, response) => {
    const canary = canaries.find(request.params.name);
    if (canary === undefined) throw noCanary(request.params.name);
    response.json({ canary });
  });
  router.all('/applications/:name/canary', allowOnly('GET, HEAD'));
  for (const [verb, decision] of [
    ['promote', 'promoted'],
    ['abort', 'aborted'],
  ] as const) {
    router.post(`/applications/:name/canary/${verb}`, async (request, response) => {
      await canaries.end(request.params.name, decision);
      response.status(204).end();
    });
    router.all(`/applications/:name/canary/${verb}`, allowOnly('POST'));
  }
  return router;
}
