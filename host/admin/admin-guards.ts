import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { sendError } from './admin-errors.js';
import { isSameToken } from './admin-token.js';
import { isAllowedHost } from './host-guard.js';

/** Answered without a token; they tell health and counts, never a secret. Compared with the target as it was sent. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/health/live', '/health/ready', '/metrics']);

/** Fields of every answer, and the guard against names that only pretend to be this machine. */
export function guardHost(allowed: readonly string[]): RequestHandler {
  const lowered = allowed.map((name) => name.toLowerCase());
  return (request: Request, response: Response, next: NextFunction) => {
    response.set({
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    });
    if (isAllowedHost(request.headers.host, lowered)) return next();
    return sendError(
      response,
      403,
      'PORTICO_ADMIN_HOST_FORBIDDEN',
      'The Host field does not name this machine. Use localhost, 127.0.0.1, [::1] or a configured name.',
    );
  };
}

/**
 * Lets nothing through without the token but the open paths. What is not known to be open is closed, so there is no
 * other spelling of a path that gets by.
 */
export function guardToken(token: string): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    const isReading = request.method === 'GET' || request.method === 'HEAD';
    if (isReading && OPEN_PATHS.has(request.originalUrl.split('?', 1)[0] ?? '')) return next();
    const sent = /^Bearer +([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (sent !== undefined && isSameToken(sent, token)) return next();
    response.set('WWW-Authenticate', 'Bearer realm="portico"');
    return sendError(
      response,
      401,
      'PORTICO_ADMIN_UNAUTHORIZED',
      'Send the token from run/admin.token as "Authorization: Bearer TOKEN".',
    );
  };
}

/** A request that changes something has a JSON body or none. A form of a web page cannot send one. */
export const guardBody: RequestHandler = (request, response, next) => {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  const hasBody = coding !== undefined || Number(length ?? 0) > 0;
  if (!hasBody || request.is('application/json') !== false) return next();
  return sendError(
    response,
    415,
    'PORTICO_ADMIN_MEDIA_TYPE',
    'The body must be application/json, or absent.',
  );
};
