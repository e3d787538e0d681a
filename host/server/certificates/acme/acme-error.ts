import { PorticoError } from '../../../errors.js';

/** What went wrong with an authority, and what it said about trying again. */
export class AcmeError extends PorticoError {
  /** Type of the problem as the authority named it (RFC 8555 §6.7), without its prefix: `rateLimited`. */
  readonly problem: string | undefined;
  /** The authority wants to be left alone so long. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    facts: {
      readonly problem?: string | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(code, message, { cause: facts.cause });
    this.problem = facts.problem;
    this.retryAfterMs = facts.retryAfterMs;
  }
}
