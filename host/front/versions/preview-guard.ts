import { createHash, timingSafeEqual } from 'node:crypto';
import type { Exchange } from '../../exchange/exchange.js';
import { AddressRanges } from '../../http/address-ranges.js';
import type { PreviewTarget } from '../messages.js';

/** Names the version that a request is for. */
const VERSION_FIELD = 'portico-version';
/** Proves that the client may ask. */
const SECRET_FIELD = 'portico-preview-secret';

/**
 * Who may ask for a version by header: whoever comes from a trusted address, or knows the secret. For all others the
 * header is as if it were not there.
 */
export class PreviewGuard {
  readonly #addresses: AddressRanges | undefined;
  readonly #secretHash: Buffer | undefined;

  constructor({ addresses, secretHash }: PreviewTarget) {
    this.#addresses = addresses.length === 0 ? undefined : new AddressRanges(addresses);
    this.#secretHash = secretHash === undefined ? undefined : Buffer.from(secretHash, 'hex');
  }

  /** The version a request asks for; undefined when it asks for none, or may not. */
  asked({ head }: Exchange): string | undefined {
    const version = head.fields.get(VERSION_FIELD);
    if (version === undefined) return undefined;
    if (this.#addresses?.has(head.connection.remoteAddress) === true) return version;
    const secret = head.fields.get(SECRET_FIELD);
    return secret !== undefined && this.#knows(secret) ? version : undefined;
  }

  #knows(secret: string): boolean {
    const given = createHash('sha256').update(secret, 'latin1').digest();
    return this.#secretHash !== undefined && timingSafeEqual(given, this.#secretHash);
  }
}
