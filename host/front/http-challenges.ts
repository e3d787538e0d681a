import type { Exchange } from '../exchange/exchange.js';

/** What certification authorities may ask for now: token to key authorization. */
export type HttpChallengeTokens = Readonly<Record<string, string>>;

/**
 * Answers the questions of certification authorities (RFC 8555 §8.3) for tokens that the server has told of. Anything
 * else is left to the applications, which may have certificates of their own.
 */
export class HttpChallenges {
  readonly #keyAuthorizations: ReadonlyMap<string, string>;

  constructor(tokens: HttpChallengeTokens) {
    this.#keyAuthorizations = new Map(Object.entries(tokens));
  }

  /** The answer to this request; undefined when it asks for something else. */
  find({ head }: Exchange): string | undefined {
    const { path, method, connection } = head;
    if (!path.startsWith(PREFIX) || connection.isSecure) return undefined;
    return method === 'GET' || method === 'HEAD'
      ? this.#keyAuthorizations.get(path.slice(PREFIX.length))
      : undefined;
  }
}

/** RFC 8555 §8.3 wants this type, and any other would do. */
export const CHALLENGE_FIELDS = ['content-type', 'application/octet-stream', 'cache-control', 'no-store'];

const PREFIX = '/.well-known/acme-challenge/';
