import type { CallRights } from '../messages.js';
import type { CallScope } from './call-scope.js';

/** A process that may call others: where, and what it says with each call. */
export class CallCredentials {
  readonly socketPath: string;
  readonly #token: string;
  readonly #scope: CallScope;

  constructor({ socketPath, token }: CallRights, scope: CallScope) {
    this.socketPath = socketPath;
    this.#token = token;
    this.#scope = scope;
  }

  /**
   * Names and values of the fields of a call. `hops`: those that it has already, since the application handed on the fields
   * of a request.
   */
  fields(hops: unknown): { readonly 'portico-token': string; readonly 'portico-hops': string } {
    const given = Number(hops);
    const known = Number.isInteger(given) && given > 0 ? given : 0;
    return { 'portico-token': this.#token, 'portico-hops': String(Math.max(this.#scope.hops, known)) };
  }
}
