import { Router } from 'express';
import { parseDuration } from '../units.js';
import type { AdminCollaborators } from './admin-collaborators.js';
import { sendError } from './admin-errors.js';
import { allowOnly, sendUnknown } from './application-routes.js';

/** What is asked for when nobody says otherwise: younger ones are no trouble. */
const OLDER_THAN = '5s';

/**
 * `/v1/applications/NAME/requests`: requests that have been open for `?olderThan=5s` or longer, the oldest first. `0s`:
 * all. Paths are without their query, which may hold secrets.
 */
export function requestRoutes({ deployments, server }: AdminCollaborators): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.get('/applications/:name/requests', async (request, response) => {
    const status = deployments.find(request.params.name);
    if (status === undefined) return sendUnknown(response, request.params.name);
    const { olderThan = OLDER_THAN } = request.query;
    let olderThanMs: number;
    try {
      olderThanMs = parseDuration(olderThan);
    } catch {
      const message = `olderThan is a duration like 5s, not ${JSON.stringify(olderThan)}.`;
      return sendError(response, 400, 'PORTICO_ADMIN_BAD_REQUEST', message);
    }
    const { name, version } = status;
    const application = version === '' ? name : name.slice(0, -`##${version}`.length);
    const found = await server.openRequests?.({ application, version, olderThanMs });
    return void response.json({ name, ...(found ?? { requests: [], total: 0 }) });
  });
  router.all('/applications/:name/requests', allowOnly('GET, HEAD'));
  return router;
}
