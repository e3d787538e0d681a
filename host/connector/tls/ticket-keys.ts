import { randomBytes } from 'node:crypto';
import type { SecureContext } from 'node:tls';

/** Bytes of one key: a name, a key for the signature, a key for the encryption, 16 each. */
const TICKET_KEY_BYTES = 48;

/**
 * The keys that encrypt session tickets: the first makes new ones, the others are for those that clients still have.
 * Shared by all secure contexts of a connector, so that a change is in force at once. Who finds no key for a ticket
 * makes a full handshake.
 *
 * Node takes a single key by its documented options. What OpenSSL offers for several is there all the same, a callback
 * of the inner context; where a version of Node has it not, only the first key counts.
 */
export class TicketKeys {
  #keys: readonly TicketKey[] = [];
  #first: Buffer | undefined;

  /** `keys`: base64 of 48 bytes each. */
  replace(keys: readonly string[]): void {
    const all = keys
      .map((key) => Buffer.from(key, 'base64'))
      .filter((key) => key.length === TICKET_KEY_BYTES);
    this.#keys = all.map((key) => ({
      name: key.subarray(0, 16),
      hmac: key.subarray(16, 32),
      aes: key.subarray(32, 48),
    }));
    this.#first = all[0];
  }

  /** The key for Node's option `ticketKeys`; undefined when there is none. */
  get first(): Buffer | undefined {
    return this.#first;
  }

  /** To be called on each context that `createSecureContext` has made. */
  installIn(secureContext: SecureContext): void {
    const inner = secureContext.context as Partial<InnerContext> | undefined;
    if (this.#first === undefined || typeof inner?.enableTicketKeyCallback !== 'function') return;
    inner.onticketkeycallback = (name, _iv, isNew) => this.#find(name, isNew);
    inner.enableTicketKeyCallback();
  }

  /** Called by OpenSSL. Must not throw, and every answer must have all its parts: Node ends the process otherwise. */
  #find(name: Uint8Array, isNew: boolean): TicketAnswer {
    const [first] = this.#keys;
    if (isNew) {
      if (first === undefined) return NO_KEY;
      return [USE, first.hmac, first.aes, first.name, randomBytes(16)];
    }
    const found = this.#keys.find((key) => key.name.equals(name));
    if (found === undefined) return NO_KEY;
    return [found === first ? USE : USE_AND_RENEW, found.hmac, found.aes, found.name, NOTHING];
  }
}

interface TicketKey {
  readonly name: Buffer;
  readonly hmac: Buffer;
  readonly aes: Buffer;
}

/** What OpenSSL shall do, keys, and for new tickets the name of the key and the initialization vector. */
type TicketAnswer = [does: number, hmac: Buffer, aes: Buffer, name: Buffer, iv: Buffer];

interface InnerContext {
  onticketkeycallback: (name: Uint8Array, iv: Uint8Array, isNew: boolean) => TicketAnswer;
  enableTicketKeyCallback(): void;
}

const USE = 1;
const USE_AND_RENEW = 2;
const NOTHING: Buffer = Buffer.alloc(16);
const NO_KEY: TicketAnswer = [0, NOTHING, NOTHING, NOTHING, NOTHING];
