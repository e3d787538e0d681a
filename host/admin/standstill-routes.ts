import { Router } from 'express';
import type { AdminCollaborators } from './admin-collaborators.js';
import { allowOnly } from './application-routes.js';

/**
 * `/v1/server/suspend`, `/resume`, and the same of a connector: `/v1/connectors/NAME/pause`, `/resume`. Each may be repeated.
 */
export function standstillRoutes({ server }: Pick<AdminCollaborators, 'server'>): Router {
  const router = Router({ caseSensitive: true, strict: true });
  for (const verb of ['suspend', 'resume'] as const) {
    router.post(`/server/${verb}`, async (_request, response) => {
      await server.standstill?.suspend(verb === 'suspend');
      response.status(204).end();
    });
    router.all(`/server/${verb}`, allowOnly('POST'));
  }
  for (const verb of ['pause', 'resume'] as const) {
    router.post(`/connectors/:name/${verb}`, async (request, response) => {
      await server.standstill?.pause(request.params.name, verb === 'pause');
      response.status(204).end();
    });
    router.all(`/connectors/:name/${verb}`, allowOnly('POST'));
  }
  return router;
}
