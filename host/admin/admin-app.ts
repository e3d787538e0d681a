import express, { type Express } from 'express';
import type { ServerLog } from '../log/server-log.js';
import type { AdminCollaborators } from './admin-collaborators.js';
import { answerErrors, sendError } from './admin-errors.js';
import { guardBody, guardHost, guardToken } from './admin-guards.js';
import { allowOnly, applicationRoutes } from './application-routes.js';
import { canaryRoutes } from './canary-routes.js';
import { certificateRoutes } from './certificate-routes.js';
import { deploymentRoutes } from './deployment-routes.js';
import { eventRoutes } from './event-routes.js';
import { healthRoutes } from './health-routes.js';
import { jobRoutes } from './job-routes.js';
import { maintenanceRoutes } from './maintenance-routes.js';
import type { ServerMetrics } from './metrics.js';
import { planRoutes } from './plan-routes.js';
import { requestRoutes } from './request-routes.js';
import { serverRoutes } from './server-routes.js';
import { standstillRoutes } from './standstill-routes.js';

/** What the admin API is made with. */
export interface AdminAppOptions extends AdminCollaborators {
  readonly token: string;
  /** Host names beyond the loopback ones. */
  readonly allowedHosts: readonly string[];
  readonly log: ServerLog;
}

/**
 * The admin API as an Express application. State changes only by POST and DELETE; no cookies and no CORS, so a web
 * page can use it neither with the operator's rights nor without.
 */
export function adminApp(options: AdminAppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('case sensitive routing', true);
  app.set('strict routing', true);
  app.use(guardHost(options.allowedHosts), guardToken(options.token), guardBody);
  app.use(healthRoutes(options));
  let loading: Promise<ServerMetrics> | undefined;
  app.get('/metrics', async (_request, response) => {
    loading ??= loadMetrics(options);
    const metrics = await loading;
    response.type(metrics.contentType).send(await metrics.text());
  });
  app.all('/metrics', allowOnly('GET, HEAD'));
  app.use(
    '/v1',
    applicationRoutes(options),
    deploymentRoutes(options),
    planRoutes(options),
    canaryRoutes(options),
    certificateRoutes(options),
    jobRoutes(options),
    eventRoutes(options),
    requestRoutes(options),
    serverRoutes(options),
    standstillRoutes(options),
    maintenanceRoutes(options),
  );
  app.use((_request, response) => {
    sendError(response, 404, 'PORTICO_ADMIN_NOT_FOUND', 'The admin API has no such resource.');
  });
  app.use(answerErrors(options.log));
  return app;
}

/** Most of its memory is that of a library which a host without a scraper never needs. */
async function loadMetrics(collaborators: AdminCollaborators): Promise<ServerMetrics> {
  const { ServerMetrics } = await import('./metrics.js');
  return new ServerMetrics(collaborators);
}
