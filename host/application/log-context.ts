import { AsyncLocalStorage } from 'node:async_hooks';
import type { ApplicationCall } from './application-call.js';

/** Facts about the call that is being answered, for every line that is logged meanwhile: `callId` → `7f3a…`. */
export type LogContext = ReadonlyMap<string, string>;

const storage = new AsyncLocalStorage<LogContext>();

/** Facts of the call in whose handling this code runs; undefined outside and without plugins that give some. */
export function logContext(): LogContext | undefined {
  return storage.getStore();
}

/** Runs `work` with facts added to those that are there. */
export function withLogContext<T>(facts: LogContext | undefined, work: () => T): T {
  if (facts === undefined) return work();
  return storage.run(merged(storage.getStore(), facts), work);
}

/**
 * As `withLogContext`, for `work` that handles a call; without effect when the log of the application tells no such
 * facts. The call keeps them: who logs its failure outside of `work` runs `withLogContext(call.logContext, …)`.
 */
export function withCallFacts<T>(call: ApplicationCall, makeFacts: () => LogContext, work: () => T): T {
  // The storage makes everything asynchronous in this process dearer from its first use on.
  if (call.application.log.tellsCallFacts !== true) return work();
  const facts = makeFacts();
  call.logContext = merged(call.logContext, facts);
  return withLogContext(facts, work);
}

function merged(outer: LogContext | undefined, facts: LogContext): LogContext {
  return outer === undefined ? facts : new Map([...outer, ...facts]);
}
