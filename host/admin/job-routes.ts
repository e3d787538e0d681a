import { Router } from 'express';
import type { AdminCollaborators } from './admin-collaborators.js';
import { allowOnly } from './application-routes.js';

/**
 * `/v1/applications/NAME/jobs`: the scheduled jobs with their last runs; `POST …/jobs/JOB/run` begins one, and does not
 * wait for it. Names as in `applicationRoutes`, a name without version serves as well.
 */
export function jobRoutes({ jobs }: Pick<AdminCollaborators, 'jobs'>): Router {
  const router = Router({ caseSensitive: true, strict: true });
  if (jobs === undefined) return router;
  router.get('/applications/:name/jobs', (request, response) => {
    response.json({ jobs: jobs.list(request.params.name) });
  });
  router.all('/applications/:name/jobs', allowOnly('GET, HEAD'));
  router.post('/applications/:name/jobs/:job/run', (request, response) => {
    response.status(202).json({ run: jobs.run(request.params.name, request.params.job) });
  });
  router.all('/applications/:name/jobs/:job/run', allowOnly('POST'));
  return router;
}
