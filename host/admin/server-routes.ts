import { Router } from 'express';
import type { AdminCollaborators } from './admin-collaborators.js';
import { allowOnly } from './application-routes.js';

/** `/v1/server`: what runs here, its configuration read anew, and its end. No environment, no secret. */
export function serverRoutes({ server }: AdminCollaborators): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/server', (_request, response) => {
    response.json({
      server: {
        version: server.version,
        node: process.version,
        pid: process.pid,
        base: server.base,
        startedAt: server.startedAt.toISOString(),
        uptimeSeconds: Math.round(process.uptime()),
        connectors: server.connectors(),
        fronts: server.fronts(),
        spares: server.spares?.(),
        ...server.readiness(),
      },
    });
  });
  router.post('/server/stop', (_request, response) => {
    response.status(202).json({ server: { state: 'stopping' } });
    // The answer first: stopping closes this connection too.
    response.once('close', () => server.stop());
  });
  router.post('/server/reload', async (_request, response) => {
    response.json({ reload: await server.reload() });
  });
  router.all('/server', allowOnly('GET, HEAD'));
  router.all('/server/stop', allowOnly('POST'));
  router.all('/server/reload', allowOnly('POST'));
  return router;
}
