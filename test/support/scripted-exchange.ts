import {
  AbortReason,
  type ConnectionInfo,
  type Exchange,
  type RequestHead,
  type RequestListener,
} from '#host/exchange/exchange.js';
import { FieldBlock, type Fields } from '#host/http/field-block.js';

/** What a test says about the request; the rest has defaults. */
export interface ScriptedRequest {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  readonly fields?: readonly string[];
  readonly authority?: string;
  readonly bodyLength?: number;
  readonly upgrade?: string;
  readonly expectsContinue?: boolean;
  readonly isSecure?: boolean;
}

/**
 * An exchange whose client is the test: it sends body parts, reads as slowly as it likes, goes away, and sees the
 * response as data. Wrong calls of the handler throw, as on a real exchange.
 */
export class ScriptedExchange implements Exchange {
  readonly head: RequestHead;
  status = 0;
  fields: readonly string[] = [];
  trailers: readonly string[] | undefined;
  readonly interims: number[] = [];
  readonly chunks: Buffer[] = [];
  receivedBytes = 0;
  /** Request body bytes given back by `consumed`. */
  creditedBytes = 0;
  abortedWith: AbortReason | undefined;
  isBegun = false;
  isEnded = false;
  isResponded = false;
  /** False: every write answers "stop", until `drain`. */
  isReading = true;
  listener: RequestListener | undefined;
  /** Resolves when the response has ended or was aborted. */
  readonly done: Promise<void>;
  readonly begun: Promise<void>;
  #resolveDone: () => void = () => undefined;
  #resolveBegun: () => void = () => undefined;
  #onChange: () => void = () => undefined;

  constructor(request: ScriptedRequest = {}) {
    const [path = '/', query] = (request.target ?? '/').split('?');
    this.head = {
      method: request.method ?? 'GET',
      path,
      query,
      version: request.version ?? '1.1',
      fields: FieldBlock.of(request.fields ?? ['Host', request.authority ?? 'shop.test']),
      authority: request.authority ?? 'shop.test',
      bodyLength: request.bodyLength ?? 0,
      upgrade: request.upgrade,
      expectsContinue: request.expectsContinue ?? false,
      connection: request.isSecure === true ? { ...CLIENT, isSecure: true } : CLIENT,
    };
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
    this.begun = new Promise((resolve) => {
      this.#resolveBegun = resolve;
    });
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  field(lowerName: string): string | undefined {
    return FieldBlock.of(this.fields).get(lowerName);
  }

  /** Resolves when `condition` holds; looks again after each thing that happens to the exchange. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (condition()) resolve();
        else this.#onChange = look;
      };
      look();
    });
  }

  listen(listener: RequestListener): void {
    this.listener = listener;
  }

  consumed(bytes: number): void {
    this.creditedBytes += bytes;
    this.#onChange();
  }

  interim(status: number): void {
    this.interims.push(status);
    this.#onChange();
  }

  respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    this.begin(status, fields);
    this.isResponded = true;
    if (body !== undefined && this.head.method !== 'HEAD') this.write(Buffer.from(body as string));
    this.end();
  }

  begin(status: number, fields: Fields): void {
    if (this.isBegun || this.isEnded) throw new Error('the response has begun already');
    this.isBegun = true;
    this.status = status;
    this.fields = fields instanceof FieldBlock ? fields.flat() : [...fields];
    this.#resolveBegun();
    this.#onChange();
  }

  write(chunk: Uint8Array): boolean {
    if (!this.isBegun || this.isEnded) throw new Error('write outside of a response');
    this.receivedBytes += chunk.length;
    if (this.receivedBytes <= KEPT_BYTES) this.chunks.push(Buffer.from(chunk));
    this.#onChange();
    return this.isReading;
  }

  end(trailers?: Fields): void {
    if (!this.isBegun || this.isEnded) throw new Error('end outside of a response');
    this.trailers = trailers instanceof FieldBlock ? trailers.flat() : trailers;
    this.isEnded = true;
    this.#resolveDone();
    this.#onChange();
  }

  abort(reason: AbortReason): void {
    if (this.isEnded) return;
    this.abortedWith = reason;
    this.isEnded = true;
    this.#resolveDone();
    this.#onChange();
  }

  /** The client sends the whole body, in these parts. */
  send(...parts: readonly (string | Buffer)[]): this {
    for (const part of parts) this.listener?.data(Buffer.from(part as string));
    this.listener?.end(undefined);
    return this;
  }

  /** The client goes away. */
  leave(): void {
    this.isEnded = true;
    this.listener?.aborted(AbortReason.CANCELLED);
    this.#resolveDone();
  }
}

/** More than this is counted only. */
const KEPT_BYTES = 1024 * 1024;

const CLIENT: ConnectionInfo = {
  remoteAddress: '192.0.2.7',
  remotePort: 50000,
  localAddress: '192.0.2.1',
  localPort: 8080,
  isSecure: false,
};
