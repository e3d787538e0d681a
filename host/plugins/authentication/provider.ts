import type { ApplicationCall } from '../../application/application-call.js';
import { NoContent } from '../../application/outgoing-content.js';

/** Answers a call that was not let in: with 401, a redirect, a page. Left unanswered, the next challenge is asked. */
export type Challenge = (call: ApplicationCall) => unknown;

/** Why a provider lets nobody in. `error`: it could not tell, for example because a server was away. */
export type AuthenticationFailure = 'no-credentials' | 'invalid-credentials' | 'error';

/** What a provider found out about a call. A principal that is undefined, null or false is nobody. */
export type AuthenticationResult<Principal> =
  | { readonly principal: Principal }
  | { readonly failure: AuthenticationFailure; readonly challenge?: Challenge | undefined };

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Finds out who is calling. Also the typed key by which `principal` gives who it was. The ready ones are `basic`,
 * `bearer`, `form`, `session`, `apiKey`, and `jwt` of `portico/plugins/jwt`; others MAY be written.
 */
export interface AuthenticationProvider<Principal> {
  /** Unique in an application. */
  readonly name: string;
  /** True: this provider is not needed for the call, which is let in as far as it is concerned. */
  readonly skipWhen?: ((call: ApplicationCall) => boolean) | undefined;
  /**
   * MUST NOT answer the call; that is the matter of the challenge. What it throws is an error of the call: 500, unless it
   * is an `HttpError`.
   */
  authenticate(call: ApplicationCall): Awaitable<AuthenticationResult<Principal>>;
}

/** Name of the provider that `authenticate` takes when none is named. */
export const DEFAULT_PROVIDER = 'default';

/** Options that all providers have. */
export interface ProviderOptions {
  /** See `AuthenticationProvider.skipWhen`. */
  readonly skipWhen?: (call: ApplicationCall) => boolean;
}

/** Answers with 401 and what the client should do about it (RFC 9110 §11.6.1). */
export function unauthorized(challenge?: string): Challenge {
  const headers = challenge === undefined ? undefined : ['WWW-Authenticate', challenge];
  const content = new NoContent({ status: 401, headers });
  return (call) => call.respond(content);
}

/** Asks who the credentials belong to; nobody, when `validate` gives undefined, null or false. */
export async function validated<Principal>(
  found: Awaitable<Principal | undefined>,
  challenge: Challenge,
): Promise<AuthenticationResult<Principal>> {
  const principal = await found;
  return principal === undefined || isNobody(principal)
    ? { failure: 'invalid-credentials', challenge }
    : { principal };
}

/** False as well: it is what `validate: (token) => token === known` gives for a wrong token. */
export function isNobody(principal: unknown): boolean {
  return principal === undefined || principal === null || principal === false;
}
