import { createPrivateKey, X509Certificate } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Authorization, Client, Order } from 'acme-client';
import type { AcmeConfig, ExternalAccount } from '../../../config/acme-config.js';
import { messageOf } from '../../../errors.js';
import { printable } from '../../../log/printable.js';
import { readSecret } from '../read-certificate.js';
import type { AcmeChallenges, TlsChallenge } from './acme-challenges.js';
import { AcmeError } from './acme-error.js';
import type { AcmeAccount, AcmeStore } from './acme-store.js';
import type { AcmeTransport } from './acme-transport.js';

type Library = typeof import('acme-client');
type Challenge = Authorization['challenges'][number];

/** What one order needs. */
export interface AcmeOrderOptions {
  readonly config: AcmeConfig;
  readonly store: AcmeStore;
  readonly transport: AcmeTransport;
  readonly challenges: AcmeChallenges;
  readonly signal: AbortSignal;
}

/** A key and the certificate that an authority gave for it. */
export interface ObtainedCertificate {
  readonly keyPem: string;
  /** The certificate, then those of its authorities. */
  readonly chainPem: string;
}

/**
 * Gets one certificate: account, order, proof for each host, certificate (RFC 8555 §7). Throws AcmeError, or
 * `PORTICO_ACME_STORE`; nothing is kept of an order that fails, except the account.
 */
export async function obtainCertificate(options: AcmeOrderOptions): Promise<ObtainedCertificate> {
  const { transport } = options;
  return await transport.run(async (library) => {
    try {
      return await new AcmeOrder(options, library, await login(options, library, true)).obtain();
    } catch (error) {
      // The authority does not know the account any more: made anew, with the same key.
      if (!(error instanceof AcmeError) || error.problem !== 'accountDoesNotExist') throw error;
      return await new AcmeOrder(options, library, await login(options, library, false)).obtain();
    }
  });
}

/** A client with an account. `trusts`: a stored account is used without asking. */
async function login(options: AcmeOrderOptions, library: Library, trusts: boolean): Promise<Client> {
  const { config, store } = options;
  const contact = config.contact.map((address) => `mailto:${address}`);
  const account = await accountOf(options, library, contact);
  const { keyPem, externalKeyId } = account;
  const accountUrl = trusts ? account.url : undefined;
  const directoryUrl = config.directory;
  const known = { directoryUrl, accountKey: keyPem, ...(accountUrl !== undefined && { accountUrl }) };
  if (accountUrl !== undefined && account.contact.join() === contact.join()) return new library.Client(known);
  const binding = config.externalAccount && (await bindingOf(config.externalAccount));
  const client = new library.Client({ ...known, ...(binding && { externalAccountBinding: binding }) });
  await client.createAccount({ termsOfServiceAgreed: true, contact });
  store.writeAccount({ keyPem, url: client.getAccountUrl(), contact, externalKeyId });
  return client;
}

/** The stored account, or a new key for one, which is stored first: without it the account could never be used again. */
async function accountOf(
  { config, store }: AcmeOrderOptions,
  library: Library,
  contact: readonly string[],
): Promise<AcmeAccount> {
  const externalKeyId = config.externalAccount?.keyId;
  const isRight = (account: AcmeAccount | undefined) =>
    account !== undefined && (externalKeyId === undefined || account.externalKeyId === externalKeyId);
  const stored = store.readAccount();
  if (stored !== undefined && isRight(stored)) return stored;
  const keyPem = (await library.crypto.createPrivateEcdsaKey('P-256')).toString();
  // Another order may have been faster.
  const other = store.readAccount();
  if (other !== undefined && isRight(other)) return other;
  const account: AcmeAccount = { keyPem, url: undefined, contact, externalKeyId };
  store.writeAccount(account);
  return account;
}

async function bindingOf({ keyId, key }: ExternalAccount): Promise<{ kid: string; hmacKey: string }> {
  const wrong = (reason: string, cause?: unknown) =>
    new AcmeError(
      'PORTICO_ACME_EXTERNAL_ACCOUNT',
      `The key of "tls.acme.externalAccount" cannot be used: ${reason}. It is read again at the next attempt.`,
      { cause },
    );
  let hmacKey: string | undefined;
  try {
    hmacKey = (await readSecret(key))?.trim();
  } catch (cause) {
    throw wrong(messageOf(cause), cause);
  }
  // The alphabet for URLs (RFC 4648 §5); the other one is what some authorities show.
  if (hmacKey === undefined || !/^[A-Za-z0-9+/_-]{16,}={0,2}$/.test(hmacKey))
    throw wrong('it is not base64url. Copy it as the authority shows it');
  return { kid: keyId, hmacKey };
}

class AcmeOrder {
  readonly #options: AcmeOrderOptions;
  readonly #library: Library;
  readonly #client: Client;
  readonly #until = performance.now() + ORDER_MS;

  constructor(options: AcmeOrderOptions, library: Library, client: Client) {
    this.#options = options;
    this.#library = library;
    this.#client = client;
  }

  async obtain(): Promise<ObtainedCertificate> {
    const { hosts, keyType } = this.#options.config;
    const identifiers = hosts.map((value) => ({ type: 'dns', value }));
    const order = await this.#client.createOrder({ identifiers });
    // One after the other: the proofs of many hosts at once would only reach limits of the authority earlier.
    for (const authorization of await this.#client.getAuthorizations(order)) {
      if (authorization.status !== 'valid') await this.#prove(order, authorization);
    }
    const keyPem = (await makeKey(this.#library, keyType)).toString();
    const [, request] = await this.#library.crypto.createCsr({ altNames: [...hosts] }, keyPem);
    const ready = await this.#poll('the order', async () => await this.#client.getOrder(order), 'ready');
    let finished = await this.#client.finalizeOrder(ready, request);
    if (finished.status !== 'valid')
      finished = await this.#poll('the certificate', async () => await this.#client.getOrder(order), 'valid');
    const chainPem = await this.#client.getCertificate(finished);
    checkIssued(chainPem, keyPem, hosts);
    return { keyPem, chainPem };
  }

  /** Answers the challenge of one host and waits until the authority has looked. */
  async #prove(order: Order, authorization: Authorization): Promise<void> {
    const { config } = this.#options;
    const host = authorization.identifier.value;
    const challenge = authorization.challenges.find(({ type }) => type === config.challenge);
    if (challenge === undefined) {
      const offered = authorization.challenges.map(({ type }) => printable(type)).join(', ');
      throw new AcmeError(
        'PORTICO_ACME_CHALLENGE',
        `The certification authority does not offer ${config.challenge} for ${host}, only ${offered}. Set "tls.acme.challenge" to one of them.`,
      );
    }
    const withdraw = await this.#publish(host, challenge);
    try {
      await this.#client.completeChallenge(challenge);
      await this.#poll(
        `the proof for ${host}`,
        async () => {
          const all = await this.#client.getAuthorizations(order);
          return all.find(({ url }) => url === authorization.url) ?? authorization;
        },
        'valid',
      );
    } finally {
      await withdraw();
    }
  }

  async #publish(host: string, challenge: Challenge): Promise<() => Promise<void>> {
    const { challenges } = this.#options;
    const keyAuthorization = await this.#client.getChallengeKeyAuthorization(challenge);
    if (challenge.type === 'http-01') {
      await challenges.addToken(challenge.token, keyAuthorization);
      return async () => await challenges.removeToken(challenge.token);
    }
    const [key, cert] = await this.#library.crypto.createAlpnCertificate(
      { identifier: { type: 'dns', value: host } } as Authorization,
      keyAuthorization,
      await makeKey(this.#library, 'ec-p256'),
    );
    const shown: TlsChallenge = { host, cert: cert.toString(), key: key.toString() };
    await challenges.addCertificate(shown);
    return async () => await challenges.removeCertificate(shown);
  }

  /** Asks until what is wanted has come; as often as the authority wants, and not for ever. */
  async #poll<T extends { readonly status: string }>(
    what: string,
    look: () => Promise<T>,
    wanted: 'ready' | 'valid',
  ): Promise<T> {
    const { transport, signal } = this.#options;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2)) {
      const found = await look();
      if (found.status === wanted || found.status === 'valid') return found;
      if (found.status !== 'pending' && found.status !== 'processing')
        throw new AcmeError(
          'PORTICO_ACME_CHALLENGE',
          `The certification authority says that ${what} is ${printable(found.status)}: ${reasonOf(found)}. It is tried again later; check that it can reach this host by its name on port ${this.#options.config.challenge === 'http-01' ? 80 : 443}.`,
        );
      if (performance.now() > this.#until)
        throw new AcmeError(
          'PORTICO_ACME_TIMEOUT',
          `The certification authority has not finished ${what} within ${ORDER_MS / 60_000} min. It is tried again later.`,
        );
      // RFC 8555 §7.5.1.
      const waitMs = Math.min(transport.retryAfterMs ?? pauseMs, MAX_POLL_MS);
      await delay(waitMs, undefined, { signal, ref: false });
    }
  }
}

/** Whole order. */
const ORDER_MS = 10 * 60_000;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 10_000;
const MAX_POLL_MS = 60_000;

async function makeKey({ crypto }: Library, keyType: AcmeConfig['keyType']): Promise<Buffer> {
  switch (keyType) {
    case 'ec-p256':
      return await crypto.createPrivateEcdsaKey('P-256');
    case 'ec-p384':
      return await crypto.createPrivateEcdsaKey('P-384');
    case 'rsa-2048':
      return await crypto.createPrivateRsaKey(2048);
    case 'rsa-4096':
      return await crypto.createPrivateRsaKey(4096);
  }
}

/** What the authority says of an order or a proof that failed. */
function reasonOf(failed: unknown): string {
  const { error, challenges } = failed as {
    error?: { detail?: string };
    challenges?: readonly { error?: { detail?: string } }[];
  };
  const detail = error?.detail ?? challenges?.find((one) => one.error !== undefined)?.error?.detail;
  return detail === undefined ? 'it gives no reason' : printable(detail.slice(0, 1000));
}

/** What came must fit the key and the hosts, or it would be served in vain. */
function checkIssued(chainPem: string, keyPem: string, hosts: readonly string[]): void {
  const wrong = (reason: string, cause?: unknown) =>
    new AcmeError(
      'PORTICO_ACME_CERTIFICATE',
      `The certification authority gave a certificate that cannot be used: ${reason}. The certificate in use stays; it is tried again later.`,
      { cause },
    );
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(chainPem);
  } catch (cause) {
    throw wrong('it cannot be read', cause);
  }
  if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) throw wrong('it belongs to another key');
  const missing = hosts.find((host) => certificate.checkHost(host) === undefined);
  if (missing !== undefined) throw wrong(`it is not for ${missing}`);
}
