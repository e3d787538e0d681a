/**
 * The base of every error Portico raises on purpose. A code names the kind, the message says what happened,
 * with the value, and what to do about it.
 */
export class PorticoError extends Error {
  /** Stable, upper-case, prefixed `PORTICO_`; listed in the reference. */
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PorticoError';
    this.code = code;
  }
}

/** Text of anything that was thrown; never throws itself, also for `null`, proxies and objects without prototype. */
export function messageOf(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return thrown.message === '' ? thrown.name : thrown.message;
    return String(thrown);
  } catch {
    return 'a value that cannot be converted to text was thrown';
  }
}
