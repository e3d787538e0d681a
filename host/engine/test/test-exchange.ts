import { statusOfAbort } from '../../connector/response-framing.js';
import {
  AbortReason,
  type ConnectionInfo,
  type Exchange,
  type RequestHead,
  type RequestListener,
} from '../../exchange/exchange.js';
import { FieldBlock, type Fields } from '../../http/field-block.js';
import { TestResponse } from './test-response.js';

/** How many body bytes either side may be ahead of the other. */
const WINDOW_BYTES = 64 * 1024;

/** Request of a `TestClient`, ready to be sent. */
export interface TestRequest {
  readonly method: string;
  /** Path with query, sent as it is. */
  readonly target: string;
  /** `name, value, name, value, …`. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
}

/**
 * An exchange in memory: what connector and wire are elsewhere. Obeys the contract of `Exchange` with flow control in
 * both directions, and throws where an application side breaks it.
 */
export class TestExchange implements Exchange {
  readonly head: RequestHead;
  /** Resolves with the head of the response; its body follows. */
  readonly response: Promise<TestResponse>;
  /** Interim statuses in order. */
  readonly interims: number[] = [];
  readonly #request: TestRequest;
  #respondWith: (response: TestResponse) => void = () => undefined;
  #body: TestResponse | undefined;
  #listener: RequestListener | undefined;
  #credit = WINDOW_BYTES;
  #wake: (() => void) | undefined;
  #isEnded = false;
  #isHandlerRunning = false;

  constructor(request: TestRequest) {
    this.#request = request;
    this.head = headOf(request);
    this.response = new Promise((resolve) => {
      this.#respondWith = resolve;
    });
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isBegun(): boolean {
    return this.#body !== undefined;
  }

  /** Body bytes delivered but not consumed yet. */
  get unconsumed(): number {
    return WINDOW_BYTES - this.#credit;
  }

  /** Gives the exchange to a handler, then delivers the body to whoever listened. */
  dispatch(handler: (exchange: Exchange) => void): void {
    this.#isHandlerRunning = true;
    handler(this);
    this.#isHandlerRunning = false;
    if (this.#listener !== undefined)
      this.#deliver(this.#listener).catch(() => this.fail(AbortReason.CANCELLED));
  }

  /** The client goes away. */
  fail(reason: AbortReason): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#body?.truncate();
    this.#listener?.aborted(reason);
  }

  listen(listener: RequestListener): void {
    if (!this.#isHandlerRunning) throw new TypeError('listen was called after the handler had returned.');
    if (this.#listener !== undefined) throw new TypeError('listen was called twice.');
    this.#listener = listener;
  }

  consumed(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > WINDOW_BYTES) throw new TypeError('More bytes were consumed than delivered.');
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  interim(status: number): void {
    if (!this.isBegun) this.interims.push(status);
  }

  respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body ?? '');
    const flat = flatOf(fields);
    // RFC 9110 §8.6: no Content-Length with 204.
    if (status !== 204 && status !== 304) flat.push('Content-Length', String(bytes.length));
    this.begin(status, flat);
    if (this.head.method !== 'HEAD' && status !== 204 && status !== 304) this.#body?.push(bytes);
    this.end();
  }

  begin(status: number, fields: Fields): void {
    if (this.isBegun) throw new TypeError('A response was begun twice.');
    if (this.#isEnded) return;
    this.#body = new TestResponse(status, flatOf(fields), this.interims, {
      read: () => this.#listener?.drain(),
      cancel: () => this.fail(AbortReason.CANCELLED),
    });
    this.#respondWith(this.#body);
  }

  write(chunk: Uint8Array): boolean {
    if (this.#body === undefined) throw new TypeError('write was called before begin.');
    if (this.#isEnded) return true;
    if (this.head.method !== 'HEAD') this.#body.push(chunk);
    return this.#body.buffered < WINDOW_BYTES;
  }

  end(): void {
    if (this.#body === undefined) throw new TypeError('end was called before begin.');
    this.#isEnded = true;
    this.#body.complete();
  }

  abort(reason: AbortReason): void {
    if (this.#isEnded) return;
    if (this.isBegun) this.#body?.truncate();
    else this.respond(statusOfAbort(reason), reason === AbortReason.REFUSED ? ['Retry-After', '1'] : [], '');
    this.#isEnded = true;
  }

  async #deliver(listener: RequestListener): Promise<void> {
    for await (const chunk of chunksOf(this.#request.body)) {
      for (let start = 0; start < chunk.length; ) {
        if (this.#credit === 0)
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        const piece = Buffer.from(chunk.subarray(start, start + this.#credit));
        this.#credit -= piece.length;
        start += piece.length;
        listener.data(piece);
      }
    }
    listener.end(undefined);
  }
}

const CONNECTION: ConnectionInfo = {
  remoteAddress: '127.0.0.1',
  remotePort: 50_000,
  localAddress: '127.0.0.1',
  localPort: 80,
  isSecure: false,
};

function headOf({ method, target, headers, body }: TestRequest): RequestHead {
  const question = target.indexOf('?');
  const fields = FieldBlock.of(headers);
  return {
    method,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? undefined : target.slice(question + 1),
    version: '1.1',
    fields,
    authority: fields.get('host') ?? 'localhost',
    bodyLength: body === undefined ? 0 : body instanceof Uint8Array ? body.length : -1,
    upgrade: fields.get('upgrade'),
    expectsContinue: fields.get('expect') === '100-continue',
    connection: CONNECTION,
  };
}

async function* chunksOf(body: TestRequest['body']): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else if (body !== undefined) yield* body;
}

function flatOf(fields: Fields): string[] {
  return fields instanceof FieldBlock ? fields.flat() : [...fields];
}
