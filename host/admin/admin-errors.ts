import type { ErrorRequestHandler, Response } from 'express';
import { PorticoError } from '../errors.js';
import type { ServerLog } from '../log/server-log.js';

/** Status of an error by its code; anything else is our own failure. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  PORTICO_APPLICATION_UNKNOWN: 404,
  PORTICO_APPLICATION_BUSY: 409,
  PORTICO_ROLLBACK_IMPOSSIBLE: 409,
  PORTICO_CANARY_NONE: 404,
  PORTICO_JOB_UNKNOWN: 404,
  PORTICO_NOT_REMOVABLE: 409,
  PORTICO_CONNECTOR_UNKNOWN: 404,
  PORTICO_MAINTENANCE_PAGE: 422,
  PORTICO_MAINTENANCE_CONFIGURED: 409,
  PORTICO_VIRTUAL_HOST_UNKNOWN: 404,
  PORTICO_CERTIFICATES_UNUSABLE: 422,
  PORTICO_CONFIG_INVALID: 422,
  PORTICO_RELOAD_UNAVAILABLE: 409,
  PORTICO_START_FAILED: 422,
  PORTICO_ILLEGAL_STATE: 503,
};

/** Every error of the admin API has this form: `{ "error": { code, message, detail? } }`. */
export function sendError(
  response: Response,
  status: number,
  code: string,
  message: string,
  detail?: unknown,
): void {
  response
    .status(status)
    .json({ error: detail === undefined ? { code, message } : { code, message, detail } });
}

/** Last handler: turns what was thrown into an answer. What is not expected is logged, and not told. */
export function answerErrors(log: ServerLog): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const refusal = refusedByExpress(error);
    if (refusal !== undefined)
      return sendError(response, refusal, 'PORTICO_ADMIN_BAD_REQUEST', 'The request cannot be read.');
    const status = error instanceof PorticoError ? STATUS_OF_CODE[error.code] : undefined;
    if (error instanceof PorticoError && status !== undefined) {
      return sendError(response, status, error.code, error.message, Reflect.get(error, 'detail'));
    }
    log.error({ err: error, method: request.method }, 'the admin API failed');
    return sendError(response, 500, 'PORTICO_INTERNAL', 'The server failed to do this. Its log tells why.');
  };
}

/** Paths that cannot be decoded and bodies that cannot be parsed come with a status of their own. */
function refusedByExpress(error: unknown): number | undefined {
  if (error instanceof PorticoError || typeof error !== 'object' || error === null) return undefined;
  const status: unknown = Reflect.get(error, 'status');
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
