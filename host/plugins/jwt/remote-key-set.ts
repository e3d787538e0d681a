import {
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JWTVerifyGetKey,
} from 'jose';
import { messageOf, PorticoError } from '../../errors.js';

/** When a key set is got: when it is first needed or too old, and for keys that it does not have. */
export interface KeySetTimes {
  /** How long getting it may take. Default 5000. */
  readonly timeoutMs?: number;
  /** How old it may get. Default 600 000. */
  readonly maxAgeMs?: number;
  /** Keys that are not in it are not looked for again within this time. Default 30 000. */
  readonly cooldownMs?: number;
}

/** After a failure the issuer is left alone for so long; anybody can send tokens. */
const RETRY_MS = 1000;
/** Far above any key set; what is larger is not read to its end. */
const MAX_BYTES = 1024 * 1024;

/** What jose says when the set was got, but has no key for the token. */
const TOKENS_FAULT = new Set([
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
  'ERR_JOSE_NOT_SUPPORTED',
]);

/**
 * Finds keys in the set at a URL. While it cannot be got, `PORTICO_JWT_KEY_SET`; keys of a set that is fresh are found
 * all the same. After a failure the same one is told for a second, before the issuer is asked anew.
 */
export function remoteKeySet(
  url: URL,
  { timeoutMs = 5000, maxAgeMs = 600_000, cooldownMs = 30_000 }: KeySetTimes,
): JWTVerifyGetKey {
  let failure: Failure | undefined;
  const find = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    cacheMaxAge: maxAgeMs,
    cooldownDuration: cooldownMs,
    // The cool-down of jose begins with a success: without this, each token would be a request to a broken issuer.
    [customFetch]: (href, options) => {
      if (failure !== undefined && performance.now() - failure.at < RETRY_MS)
        return Promise.reject(failure.cause);
      return fetchBounded(href, options);
    },
  });
  return async (header, token) => {
    try {
      return await find(header, token);
    } catch (cause) {
      if (TOKENS_FAULT.has(cause instanceof errors.JOSEError ? cause.code : '')) throw cause;
      if (cause === failure?.cause) throw failure?.error;
      const error = new PorticoError(
        'PORTICO_JWT_KEY_SET',
        `The key set ${url.href} could not be got: ${messageOf(cause)}. Look at the server of the issuer.`,
        { cause },
      );
      failure = { cause: cause as Error, error, at: performance.now() };
      throw error;
    }
  };
}

interface Failure {
  readonly cause: Error;
  readonly error: PorticoError;
  /** Milliseconds of `performance.now()`. */
  readonly at: number;
}

/** `fetch` that reads at most so many bytes, whatever Content-Length says. */
const fetchBounded: FetchImplementation = async (href, options) => {
  const response = await fetch(href, options);
  if (response.status !== 200 || response.body === null) {
    // Refused for its status: nobody reads the body, which would hold the connection.
    await response.body?.cancel();
    return response;
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks));
};
