import type { ApplicationCall } from '../../application/application-call.js';
import { checkHeaderValue } from '../../application/header-check.js';
import { renderChallenge } from '../../http/auth-header.js';
import { type SchemeCredentials, schemeCredentials } from './authorization.js';
import {
  type AuthenticationProvider,
  type Awaitable,
  type Challenge,
  type ProviderOptions,
  unauthorized,
  validated,
} from './provider.js';

/** Options of providers that take a token. */
export interface TokenOptions extends ProviderOptions {
  /** Told to the client with 401. Default `Portico`. */
  readonly realm?: string;
  /** Schemes of Authorization that carry the token; the first one is in the challenge. Default `['Bearer']`. */
  readonly authSchemes?: readonly string[];
  /** Where the token is, if not in Authorization; undefined when the call has none. */
  readonly token?: (call: ApplicationCall) => string | undefined;
  /** Answers calls that are not let in. Default: 401 with `Bearer realm="…"`. */
  readonly challenge?: Challenge;
}

/** Options of `bearer`. */
export interface BearerOptions<Principal> extends TokenOptions {
  /** Who it is; undefined when the token is not valid. Compare secrets with `constantTimeEquals`. */
  validate(token: string, call: ApplicationCall): Awaitable<Principal | undefined>;
}

/** A provider for tokens that mean something to the application (RFC 6750). For JSON Web Tokens there is `jwt`. */
export function bearer<Principal>(
  name: string,
  options: BearerOptions<Principal>,
): AuthenticationProvider<Principal> {
  const { read, challenge } = tokenReader(options);
  return {
    name,
    skipWhen: options.skipWhen,
    authenticate(call) {
      const found = read(call);
      if ('failure' in found) return { ...found, challenge };
      return validated(options.validate(found.blob, call), challenge);
    },
  };
}

/** How the token of a call is read, and how its absence is answered. */
export function tokenReader(options: TokenOptions): {
  readonly read: (call: ApplicationCall) => SchemeCredentials;
  readonly challenge: Challenge;
} {
  const { realm = 'Portico', authSchemes = ['Bearer'], token } = options;
  const schemes = authSchemes.map((scheme) => scheme.toLowerCase());
  // RFC 6750 §3.1 would have an `error`; that the token was refused is all a client learns.
  const header = renderChallenge(authSchemes[0] ?? 'Bearer', { realm });
  checkHeaderValue('WWW-Authenticate', header);
  const read = (call: ApplicationCall): SchemeCredentials => {
    if (token === undefined) return schemeCredentials(call, schemes);
    const blob = token(call);
    return blob === undefined || blob === '' ? { failure: 'no-credentials' } : { blob };
  };
  return { read, challenge: options.challenge ?? unauthorized(header) };
}
