import {
  AbortReason,
  type ConnectionInfo,
  type Exchange,
  type RequestHead,
  type RequestListener,
} from '#host/exchange/exchange.js';
import { FieldBlock, type Fields } from '#host/http/field-block.js';

/**
 * An exchange without a connection: the test sets the head, sees the response as data, and can play a client that
 * reads slowly or goes away.
 */
export class MemoryExchange implements Exchange {
  readonly head: RequestHead;
  attachment?: unknown;
  status = 0;
  fields: readonly string[] = [];
  readonly chunks: Buffer[] = [];
  abortedWith: AbortReason | undefined;
  isBegun = false;
  isEnded = false;
  /** How many more writes answer true. */
  room = Number.POSITIVE_INFINITY;
  listener: RequestListener | undefined;
  readonly done: Promise<void>;
  #resolve: () => void = () => undefined;

  /** Credit the handler has returned for the request body. */
  consumedBytes = 0;

  constructor(target: string, options: MemoryRequest = {}) {
    const [path = '/', query] = target.split('?');
    this.head = {
      method: options.method ?? 'GET',
      path,
      query,
      version: '1.1',
      fields: FieldBlock.of(options.fields ?? []),
      authority: 'example.test',
      bodyLength: options.bodyLength ?? 0,
      upgrade: options.upgrade,
      expectsContinue: false,
      connection: LOOPBACK,
    };
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  field(lowerName: string): string | undefined {
    return FieldBlock.of(this.fields).get(lowerName);
  }

  listen(listener: RequestListener): void {
    this.listener = listener;
  }

  consumed(bytes: number): void {
    this.consumedBytes += bytes;
  }

  interim(): void {
    // Interim responses are not looked at.
  }

  respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    this.begin(status, fields);
    if (body !== undefined && this.head.method !== 'HEAD') this.chunks.push(Buffer.from(body));
    this.end();
  }

  begin(status: number, fields: Fields): void {
    if (this.isBegun) throw new Error('begun twice');
    this.isBegun = true;
    this.status = status;
    this.fields = fields instanceof FieldBlock ? fields.flat() : fields;
  }

  write(chunk: Uint8Array): boolean {
    if (!this.isBegun || this.isEnded) throw new Error('write outside of a response');
    this.chunks.push(Buffer.from(chunk));
    this.room--;
    return this.room > 0;
  }

  end(): void {
    this.isEnded = true;
    this.#resolve();
  }

  abort(reason: AbortReason): void {
    this.abortedWith = reason;
    this.end();
  }

  /** The client goes away. */
  leave(): void {
    this.isEnded = true;
    this.listener?.aborted(AbortReason.CANCELLED);
    this.#resolve();
  }
}

/** What the client asks for. */
export interface MemoryRequest {
  readonly method?: string;
  readonly fields?: readonly string[];
  /** Default 0. */
  readonly bodyLength?: number;
  readonly upgrade?: string;
}

const LOOPBACK: ConnectionInfo = {
  remoteAddress: '127.0.0.1',
  remotePort: 50000,
  localAddress: '127.0.0.1',
  localPort: 8080,
  isSecure: false,
};
