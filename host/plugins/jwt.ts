import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { ApplicationCall } from '../application/application-call.js';
import { NoContent } from '../application/outgoing-content.js';
import { messageOf } from '../errors.js';
import { type TokenOptions, tokenReader } from './authentication/bearer.js';
import {
  type AuthenticationProvider,
  type AuthenticationResult,
  type Awaitable,
  type Challenge,
  validated,
} from './authentication/provider.js';
import { type JwtKey, prepareKey } from './jwt/jwt-key.js';

export type { JwksUrl, JwtKey } from './jwt/jwt-key.js';

/** A token whose signature, times, issuer and audience are right. */
export interface JwtCredential {
  /** `sub`, `exp` and what else the issuer says. */
  readonly claims: Readonly<JWTPayload>;
  /** Algorithm that it was signed with. */
  readonly algorithm: string;
  /** Which key of the issuer. */
  readonly keyId: string | undefined;
}

/** Options of `jwt`. */
export interface JwtOptions<Principal> extends TokenOptions {
  readonly key: JwtKey;
  /** Default: `HS256` for a secret, else all that the kind of key is made for. `none` is never accepted. */
  readonly algorithms?: readonly string[];
  /** Who must have issued the token (`iss`); one of several. Default: anybody who has the key. */
  readonly issuer?: string | readonly string[];
  /** Whom the token must be for (`aud`); one of several. Default: anybody. */
  readonly audience?: string | readonly string[];
  /** How far the clocks of issuer and server may differ. Default 0. */
  readonly leewaySeconds?: number;
  /** Claims that must be there. Default `['exp']`: a token without an end would be good for ever. */
  readonly requiredClaims?: readonly string[];
  /** Value of `typ` in the header, such as `at+jwt`. Default: any. */
  readonly type?: string;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
  /** Who it is; undefined when the claims do not suffice. */
  validate(credential: JwtCredential, call: ApplicationCall): Awaitable<Principal | undefined>;
}

/**
 * A provider for JSON Web Tokens (RFC 7519), on the library `jose`. Why a token was refused is for the log, at debug;
 * the client learns only that it was. When the key set of the issuer cannot be got, the answer is 503.
 * `PORTICO_JWT_KEY`, `PORTICO_JWT_ALGORITHM` for settings that cannot be right.
 *
 * ```ts
 * const Api = jwt('api', {
 *   key: { jwksUrl: 'https://login.example/.well-known/jwks.json' },
 *   issuer: 'https://login.example',
 *   audience: 'shop',
 *   validate: ({ claims }) => (claims.sub === undefined ? undefined : { id: claims.sub }),
 * });
 *
 * application.install(Authentication, (config) => config.provider(Api));
 * ```
 */
export function jwt<Principal>(
  name: string,
  options: JwtOptions<Principal>,
): AuthenticationProvider<Principal> {
  const { read, challenge } = tokenReader(options);
  const { algorithms, find } = prepareKey(options.key, options.algorithms);
  const verifyOptions = verifyOptionsOf(options, algorithms);
  const { now } = options;

  const verify = async (token: string): Promise<JwtCredential> => {
    const settings = now === undefined ? verifyOptions : { ...verifyOptions, currentDate: new Date(now()) };
    const { payload, protectedHeader } = await jwtVerify(token, find, settings);
    return { claims: payload, algorithm: protectedHeader.alg, keyId: protectedHeader.kid };
  };
  return {
    name,
    skipWhen: options.skipWhen,
    async authenticate(call): Promise<AuthenticationResult<Principal>> {
      const found = read(call);
      if ('failure' in found) return { ...found, challenge };
      let credential: JwtCredential;
      try {
        credential = await verify(found.blob);
      } catch (error) {
        return failed(call, name, error, challenge);
      }
      return validated(options.validate(credential, call), challenge);
    },
  };
}

function verifyOptionsOf(
  { issuer, audience, leewaySeconds = 0, requiredClaims = ['exp'], type }: JwtOptions<unknown>,
  algorithms: readonly string[],
): JWTVerifyOptions {
  return {
    algorithms: [...algorithms],
    clockTolerance: leewaySeconds,
    requiredClaims: [...requiredClaims],
    ...(issuer === undefined ? {} : { issuer: listOf(issuer) }),
    ...(audience === undefined ? {} : { audience: listOf(audience) }),
    ...(type === undefined ? {} : { typ: type }),
  };
}

function listOf(value: string | readonly string[]): string[] {
  return typeof value === 'string' ? [value] : [...value];
}

/** Tokens are the client's fault, everything else is ours. */
function failed<Principal>(
  call: ApplicationCall,
  name: string,
  error: unknown,
  challenge: Challenge,
): AuthenticationResult<Principal> {
  const { log } = call.application;
  if (error instanceof errors.JOSEError) {
    log.debug(`Provider ${name} refused a token: ${error.code}.`);
    return { failure: 'invalid-credentials', challenge };
  }
  log.warn(`Provider ${name} could not check a token: ${messageOf(error)}`, error);
  return { failure: 'error', challenge: unavailable };
}

// RFC 9110 §15.6.4: with 401 the client would throw a good token away.
const unavailable: Challenge = (call) =>
  call.respond(new NoContent({ status: 503, headers: ['Retry-After', '5'] }));
