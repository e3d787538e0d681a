import type { ApplicationCall } from '../../application/application-call.js';
import { sessions } from '../sessions/call-sessions.js';
import type { SessionKey } from '../sessions/session-key.js';
import { challengeOf } from './form.js';
import {
  type AuthenticationProvider,
  type Awaitable,
  type Challenge,
  type ProviderOptions,
  validated,
} from './provider.js';

/** Options of `session`. */
export interface SessionAuthOptions<T, Principal> extends ProviderOptions {
  /** Which session says who it is. */
  readonly key: SessionKey<T>;
  /** Answers calls that are not let in: a path or URL to redirect to, or a function. Default: 401. */
  readonly challenge?: string | Challenge;
  /** Who it is; undefined when the session is no longer good. */
  validate(value: T, call: ApplicationCall): Awaitable<Principal | undefined>;
}

/** A provider for those who have logged in before, by their session. Needs the plugin `Sessions`. */
export function session<T, Principal>(
  name: string,
  options: SessionAuthOptions<T, Principal>,
): AuthenticationProvider<Principal> {
  const { key, skipWhen } = options;
  const challenge = challengeOf(options.challenge);
  return {
    name,
    skipWhen,
    authenticate(call) {
      const value = sessions(call).get(key);
      if (value === undefined) return { failure: 'no-credentials', challenge };
      return validated(options.validate(value, call), challenge);
    },
  };
}
