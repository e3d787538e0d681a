import { CallAbortedError, HttpError } from '../../application/http-errors.js';
import type { Exchange } from '../../exchange/exchange.js';
import { TestExchange } from './test-exchange.js';

/** Gives the test an error that a client would see as a 500 only: no `HttpError`, and the client is still there. */
export function rethrow(exchange: Exchange, status: number, error: unknown): void {
  if (status !== 500 || error instanceof HttpError || error instanceof CallAbortedError) return;
  if (exchange instanceof TestExchange) exchange.rethrow(error);
}
