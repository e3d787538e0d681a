import { Router } from 'express';
import type { AdminCollaborators } from './admin-collaborators.js';
import { allowOnly } from './application-routes.js';

/** `/v1/certificates`: what is shown to clients and when it ends; and to read the files anew, `?connector=NAME` for one. */
export function certificateRoutes({ server }: AdminCollaborators): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const { certificates: view } = server;
  const state = () => ({
    certificates: view?.certificates() ?? [],
    acme: view?.acme() ?? [],
    revocationLists: view?.revocationLists?.() ?? [],
    reloads: view?.reloads() ?? [],
  });
  router.get('/certificates', (_request, response) => {
    response.json(state());
  });
  router.post('/certificates/reload', async (request, response) => {
    const { connector } = request.query;
    await view?.reload(typeof connector === 'string' ? connector : undefined);
    response.json(state());
  });
  router.all('/certificates', allowOnly('GET, HEAD'));
  router.all('/certificates/reload', allowOnly('POST'));
  return router;
}
