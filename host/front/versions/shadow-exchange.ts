import {
  AbortReason,
  type Exchange,
  type RequestHead,
  type RequestListener,
} from '../../exchange/exchange.js';
import { FieldBlock } from '../../http/field-block.js';

/** Tells an application that its answer is dropped; the value is the version that answers the client. */
const SHADOW_FIELD = 'portico-shadow';
/** A copy that takes longer, or answers with more, is given up. */
const MAX_MS = 30_000;
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * A copy of a request without a body, for a version that is only watched: whatever is answered is dropped. It has no
 * client and no connection; nothing that happens to it reaches the exchange it is a copy of.
 */
export class ShadowExchange implements Exchange {
  readonly head: RequestHead;
  attachment?: unknown;
  isBegun = false;
  isEnded = false;
  #status = 0;
  #bytes = 0;
  #listener: RequestListener | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #onOver: (status: number) => void;

  /** `onOver` is called once, with the status of the answer, 0 if there was none. */
  constructor(head: RequestHead, answeredBy: string, onOver: (status: number) => void) {
    const { method, path, query, version, authority, connection } = head;
    this.head = {
      method,
      path,
      query,
      version,
      fields: FieldBlock.of([...head.fields.flat(), SHADOW_FIELD, answeredBy]),
      authority,
      bodyLength: 0,
      upgrade: undefined,
      expectsContinue: false,
      connection,
    };
    this.#onOver = onOver;
    this.#timer = setTimeout(() => this.#giveUp(AbortReason.TIMEOUT), MAX_MS);
    this.#timer.unref();
  }

  listen(listener: RequestListener): void {
    this.#listener = listener;
    queueMicrotask(() => {
      if (!this.isEnded && this.#listener === listener) listener.end(undefined);
    });
  }

  consumed(_bytes: number): void {
    // There is no body.
  }

  interim(): void {
    // Nobody waits for it.
  }

  respond(status: number): void {
    this.begin(status);
    this.end();
  }

  begin(status: number): void {
    this.isBegun = true;
    this.#status = status;
  }

  write(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    // Not within this call: the handler is in the middle of something.
    if (this.#bytes > MAX_BYTES) setImmediate(() => this.#giveUp(AbortReason.CANCELLED));
    return true;
  }

  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    clearTimeout(this.#timer);
    this.#onOver(this.#status);
  }

  abort(reason: AbortReason): void {
    // As a client would see it: broken off after its beginning, an error status before.
    if (!this.isBegun && reason !== AbortReason.CANCELLED) this.#status = 502;
    this.end();
  }

  #giveUp(reason: AbortReason): void {
    if (this.isEnded) return;
    if (!this.isBegun && reason === AbortReason.TIMEOUT) this.#status = 504;
    this.end();
    this.#listener?.aborted(reason);
  }
}
