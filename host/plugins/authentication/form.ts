import type { ApplicationCall } from '../../application/application-call.js';
import { HttpError } from '../../application/http-errors.js';
import type { Parameters } from '../../application/parameters.js';
import { AttributeKey } from '../../pipeline/attributes.js';
import type { PasswordCredentials } from './basic.js';
import {
  type AuthenticationProvider,
  type Awaitable,
  type Challenge,
  type ProviderOptions,
  unauthorized,
  validated,
} from './provider.js';

/** Options of `form`. */
export interface FormOptions<Principal> extends ProviderOptions {
  /** Field of the name. Default `user`. */
  readonly userParameter?: string;
  /** Field of the password. Default `password`. */
  readonly passwordParameter?: string;
  /** Larger forms are 413. Default 65 536. */
  readonly maxBytes?: number;
  /** Answers calls that are not let in: a path or URL to redirect to, or a function. Default: 401. */
  readonly challenge?: string | Challenge;
  /** Who it is; undefined when name or password is wrong. See `verifyPassword`. */
  validate(credentials: PasswordCredentials, call: ApplicationCall): Awaitable<Principal | undefined>;
}

/**
 * A provider for a login form, sent with POST as `application/x-www-form-urlencoded`. It receives the body: a handler
 * behind it that needs the form as well needs `DoubleReceive`. A body of another type counts as no credentials.
 */
export function form<Principal>(
  name: string,
  options: FormOptions<Principal>,
): AuthenticationProvider<Principal> {
  const { userParameter = 'user', passwordParameter = 'password', maxBytes = 65_536, skipWhen } = options;
  const challenge = challengeOf(options.challenge);
  return {
    name,
    skipWhen,
    async authenticate(call) {
      const fields = await fieldsOf(call, maxBytes);
      const user = fields?.get(userParameter);
      const password = fields?.get(passwordParameter);
      if (user === undefined || password === undefined) return { failure: 'no-credentials', challenge };
      return validated(options.validate({ name: user, password }, call), challenge);
    },
  };
}

/** Redirects (302), or what else was given. */
export function challengeOf(challenge: string | Challenge | undefined): Challenge {
  if (typeof challenge === 'string') return (call) => call.respondRedirect(challenge);
  return challenge ?? unauthorized();
}

/** Kept, so that several providers can look at one form. */
const FIELDS = new AttributeKey<Promise<Parameters | undefined>>('portico.authentication.form');

function fieldsOf(call: ApplicationCall, maxBytes: number): Promise<Parameters | undefined> {
  return call.attributes.computeIfAbsent(FIELDS, () => receiveFields(call, maxBytes));
}

async function receiveFields(call: ApplicationCall, maxBytes: number): Promise<Parameters | undefined> {
  if (call.request.contentType === undefined) return undefined;
  try {
    return await call.receiveForm({ maxBytes });
  } catch (error) {
    // Another type of body, or a malformed one: nobody has given credentials.
    if (error instanceof HttpError && (error.status === 415 || error.status === 400)) return undefined;
    throw error;
  }
}
