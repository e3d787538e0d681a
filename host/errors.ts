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
    if (thrown instanceof Error && thrown.message !== '') return thrown.message;
    // Node says nothing itself when all addresses of a name refuse.
    if (isAggregate(thrown)) return thrown.errors.map(messageOf).join('; ');
    if (thrown instanceof Error) return thrown.name;
    return String(thrown);
  } catch {
    return 'a value that cannot be converted to text was thrown';
  }
}

function isAggregate(thrown: unknown): thrown is { readonly errors: readonly unknown[] } {
  return (
    thrown instanceof Error && 'errors' in thrown && Array.isArray(thrown.errors) && thrown.errors.length > 0
  );
}

/** What a value of a wrong kind is, for messages: `the number 42`, `undefined`, `an object of class Map`. Never throws. */
export function kindOf(value: unknown): string {
  try {
    if (value === undefined || value === null) return String(value);
    if (typeof value === 'object') {
      const maker: unknown = value.constructor;
      return typeof maker === 'function' && maker.name !== ''
        ? `an object of class ${maker.name}`
        : 'an object';
    }
    if (typeof value === 'string') return `the text ${JSON.stringify(value.slice(0, 40))}`;
    return typeof value === 'function' || typeof value === 'symbol'
      ? `a ${typeof value}`
      : `the ${typeof value} ${value}`;
  } catch {
    return 'a value that cannot be looked at';
  }
}

/** Refuses what is no function: `PORTICO_NOT_A_FUNCTION`. `what` says what it should be: `A handler of GET /`. */
export function checkFunction(given: unknown, what: () => string): void {
  if (typeof given === 'function') return;
  throw new PorticoError(
    'PORTICO_NOT_A_FUNCTION',
    `${what()} must be a function, and is ${kindOf(given)}. Look at where it comes from, for example an import.`,
  );
}
