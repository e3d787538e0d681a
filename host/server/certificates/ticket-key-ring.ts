import { randomBytes } from 'node:crypto';

/** Name, key of the signature, key of the encryption. */
const KEY_BYTES = 48;

/**
 * Keys of session tickets: made here, never written anywhere, and forgotten one lifetime after they were last used for
 * a new ticket. Whoever gets hold of a key can read the sessions it has encrypted, so none is used for long.
 */
export class TicketKeyRing {
  #keys: readonly string[] = [newKey(), newKey()];

  /** Base64; the first makes new tickets. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /** A new first key; the one before it is still accepted. To be called once in the lifetime of a session. */
  rotate(): void {
    this.#keys = [newKey(), ...this.#keys.slice(0, 1)];
  }
}

function newKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}
