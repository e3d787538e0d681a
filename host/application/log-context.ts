import { AsyncLocalStorage } from 'node:async_hooks';

/** Facts about the call that is being answered, for every line that is logged meanwhile: `callId` → `7f3a…`. */
export type LogContext = ReadonlyMap<string, string>;

const storage = new AsyncLocalStorage<LogContext>();

/** Facts of the call in whose handling this code runs; undefined outside and without plugins that give some. */
export function logContext(): LogContext | undefined {
  return storage.getStore();
}

/** Runs `work` with facts added to those that are there. */
export function withLogContext<T>(facts: LogContext, work: () => T): T {
  const outer = storage.getStore();
  return storage.run(outer === undefined ? facts : new Map([...outer, ...facts]), work);
}
