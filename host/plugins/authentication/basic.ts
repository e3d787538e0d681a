import type { ApplicationCall } from '../../application/application-call.js';
import { checkHeaderValue } from '../../application/header-check.js';
import { renderChallenge } from '../../http/auth-header.js';
import { decodeBase64Text } from '../../http/base64.js';
import { schemeCredentials } from './authorization.js';
import {
  type AuthenticationProvider,
  type Awaitable,
  type ProviderOptions,
  unauthorized,
  validated,
} from './provider.js';

/** Name and password, as a client sent them. */
export interface PasswordCredentials {
  readonly name: string;
  readonly password: string;
}

/** Options of `basic`. */
export interface BasicOptions<Principal> extends ProviderOptions {
  /** Shown to the user. Default `Portico`. */
  readonly realm?: string;
  /** Tells clients that names and passwords are UTF-8, which they are taken for anyway. Default true. */
  readonly tellsCharset?: boolean;
  /** Who it is; undefined when name or password is wrong. See `verifyPassword`. */
  validate(credentials: PasswordCredentials, call: ApplicationCall): Awaitable<Principal | undefined>;
}

/**
 * A provider for HTTP Basic (RFC 7617): the browser asks for name and password. Use it over TLS only.
 *
 * ```ts
 * const Admin = basic('admin', {
 *   validate: async ({ name, password }) =>
 *     (await verifyPassword(password, hashes.get(name))) ? { name } : undefined,
 * });
 * ```
 */
export function basic<Principal>(
  name: string,
  options: BasicOptions<Principal>,
): AuthenticationProvider<Principal> {
  const { realm = 'Portico', tellsCharset = true, skipWhen } = options;
  const header = renderChallenge('Basic', tellsCharset ? { realm, charset: 'UTF-8' } : { realm });
  checkHeaderValue('WWW-Authenticate', header);
  const challenge = unauthorized(header);
  return {
    name,
    skipWhen,
    authenticate(call) {
      const found = schemeCredentials(call, ['basic']);
      if ('failure' in found) return { ...found, challenge };
      const credentials = parseBasic(found.blob);
      if (credentials === undefined) return { failure: 'invalid-credentials', challenge };
      return validated(options.validate(credentials, call), challenge);
    },
  };
}

/** RFC 7617 §2: the name has no colon, and neither has control characters. */
function parseBasic(blob: string): PasswordCredentials | undefined {
  const text = decodeBase64Text(blob);
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0 || /\p{Cc}/u.test(text)) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
