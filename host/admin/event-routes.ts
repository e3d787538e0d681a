import { Router } from 'express';
import type { AdminCollaborators } from './admin-collaborators.js';
import { sendError } from './admin-errors.js';
import { allowOnly } from './application-routes.js';

/**
 * `/v1/events`: what happened lately, oldest first. `?application=shop` for one application (its name or path),
 * `?after=17` for what has a higher number than 17.
 */
export function eventRoutes({ events, deployments }: AdminCollaborators): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/events', (request, response) => {
    const { application, after = '0' } = request.query;
    if (typeof after !== 'string' || !/^\d{1,15}$/.test(after)) {
      const message = `after is the number of an event, not ${JSON.stringify(after)}.`;
      return sendError(response, 400, 'PORTICO_ADMIN_BAD_REQUEST', message);
    }
    // Of what is not deployed any more there may still be events.
    const name =
      typeof application === 'string' ? (deployments.find(application)?.name ?? application) : undefined;
    return void response.json({ events: events.list({ application: name, after: Number(after) }) });
  });
  router.all('/events', allowOnly('GET, HEAD'));
  return router;
}
