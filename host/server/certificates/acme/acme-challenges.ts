import type { HttpChallengeTokens } from '../../../front/http-challenges.js';

/** Proves to an authority that a name is ours, by TLS (RFC 8737). PEM. */
export interface TlsChallenge {
  /** In lower case. */
  readonly host: string;
  readonly cert: string;
  readonly key: string;
}

/** Tells the fronts; resolves when they answer by it. */
export interface ChallengePublisher {
  http(tokens: HttpChallengeTokens): Promise<void>;
  tls(challenges: readonly TlsChallenge[]): Promise<void>;
}

/** What is being proved at the moment, for all orders together. Owned by the server. */
export class AcmeChallenges {
  readonly #publisher: ChallengePublisher;
  readonly #tokens = new Map<string, string>();
  readonly #certificates = new Map<string, TlsChallenge>();

  constructor(publisher: ChallengePublisher) {
    this.#publisher = publisher;
  }

  /** Resolves when every front answers with the key authorization. */
  async addToken(token: string, keyAuthorization: string): Promise<void> {
    this.#tokens.set(token, keyAuthorization);
    await this.#publisher.http(Object.fromEntries(this.#tokens));
  }

  async removeToken(token: string): Promise<void> {
    if (this.#tokens.delete(token)) await this.#publisher.http(Object.fromEntries(this.#tokens));
  }

  /** Resolves when every front shows the certificate. A host has one at a time: the last. */
  async addCertificate(challenge: TlsChallenge): Promise<void> {
    this.#certificates.set(challenge.host, challenge);
    await this.#publisher.tls([...this.#certificates.values()]);
  }

  async removeCertificate(challenge: TlsChallenge): Promise<void> {
    if (this.#certificates.get(challenge.host) !== challenge) return;
    this.#certificates.delete(challenge.host);
    await this.#publisher.tls([...this.#certificates.values()]);
  }
}
