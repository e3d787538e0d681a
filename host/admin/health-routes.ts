import { Router } from 'express';
import type { AdminCollaborators } from './admin-collaborators.js';
import { allowOnly } from './application-routes.js';

/**
 * `/health/live`: this process answers. `/health/ready`: requests may be sent here: the first deployment pass is
 * done, a front accepts, nothing is draining or suspended, and every application that is `required` answers; 503 otherwise. A
 * host in maintenance is ready, and says so: whoever sends its clients elsewhere keeps them from its page. Any other
 * failed application does not make the host unready: the others are served. Both are open to anyone who reaches the admin address.
 */
export function healthRoutes({ server, deployments }: AdminCollaborators): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/health/live', (_request, response) => {
    response.json({ status: 'live' });
  });
  router.get('/health/ready', (_request, response) => {
    const readiness = server.readiness();
    const { firstPassDone, listening, draining, suspended = false, maintenance = false } = readiness;
    const missed = deployments.list().filter(({ isMissed }) => isMissed === true).length;
    const isReady = firstPassDone && listening && !draining && !suspended && missed === 0;
    const applications: Record<string, number> = {};
    for (const { state } of deployments.list()) applications[state] = (applications[state] ?? 0) + 1;
    response.status(isReady ? 200 : 503).json({
      status: isReady ? 'ready' : 'not ready',
      firstPassDone,
      listening,
      draining,
      suspended,
      maintenance,
      missed,
      applications,
    });
  });
  router.all('/health/:name', allowOnly('GET, HEAD'));
  return router;
}
