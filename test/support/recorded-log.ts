import type { Log } from 'portico';

/** A log that keeps the texts of its errors. */
export function recordedLog(): { readonly log: Log; readonly errors: string[] } {
  const errors: string[] = [];
  const nothing = (): void => undefined;
  return {
    log: { error: (text) => errors.push(text), warn: nothing, info: nothing, debug: nothing, trace: nothing },
    errors,
  };
}
