import type { ApplicationCall } from '../../application/application-call.js';
import { checkHeader } from '../../application/header-check.js';
import { renderChallenge } from '../../http/auth-header.js';
import {
  type AuthenticationProvider,
  type Awaitable,
  type Challenge,
  type ProviderOptions,
  unauthorized,
  validated,
} from './provider.js';

/** Options of `apiKey`. */
export interface ApiKeyOptions<Principal> extends ProviderOptions {
  /** Header that carries the key. Default `X-Api-Key`. */
  readonly headerName?: string;
  /** Scheme of the challenge. Default `ApiKey`. */
  readonly authScheme?: string;
  /** Answers calls that are not let in. Default: 401 with the scheme. */
  readonly challenge?: Challenge;
  /** Who it is; undefined when the key is not valid. Compare with `constantTimeEquals`. */
  validate(key: string, call: ApplicationCall): Awaitable<Principal | undefined>;
}

/** A provider for a key in a header of its own. Two such headers, and an empty one, are invalid credentials. */
export function apiKey<Principal>(
  name: string,
  options: ApiKeyOptions<Principal>,
): AuthenticationProvider<Principal> {
  const { headerName = 'X-Api-Key', authScheme = 'ApiKey', skipWhen } = options;
  const header = renderChallenge(authScheme);
  checkHeader(headerName, '');
  checkHeader('WWW-Authenticate', header);
  const challenge = options.challenge ?? unauthorized(header);
  return {
    name,
    skipWhen,
    authenticate(call) {
      const [key, second] = call.request.headers.getAll(headerName);
      if (key === undefined) return { failure: 'no-credentials', challenge };
      if (key === '' || second !== undefined) return { failure: 'invalid-credentials', challenge };
      return validated(options.validate(key, call), challenge);
    },
  };
}
