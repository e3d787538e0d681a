import { statusOfAbort } from '../../connector/response-framing.js';
import { PorticoError } from '../../errors.js';
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
  /** Default `http`. */
  readonly scheme?: 'http' | 'https' | undefined;
  /** Host and port as the client named them, where there is no `Host` among the headers. Default `localhost`. */
  readonly authority?: string | undefined;
  /** Port the request came to; default 80 or 443. */
  readonly port?: number | undefined;
}

/**
 * An exchange in memory: what connector and wire are elsewhere. Obeys the contract of `Exchange` with flow control in
 * both directions, and throws where an application side breaks it.
 */
export class TestExchange implements Exchange {
  /** Resolves with the head of the response; its body follows. */
  readonly response: Promise<TestResponse>;
  /** Interim statuses in order. */
  readonly interims: number[] = [];
  readonly #request: TestRequest;
  #head: RequestHead;
  #respondWith: (response: TestResponse) => void = () => undefined;
  #rejectWith: (error: unknown) => void = () => undefined;
  #body: TestResponse | undefined;
  #listener: RequestListener | undefined;
  #credit = WINDOW_BYTES;
  #wake: (() => void) | undefined;
  #isEnded = false;
  #isHandlerRunning = false;
  #isTunnel = false;
  #isUplinkOver = false;

  constructor(request: TestRequest) {
    this.#request = request;
    this.#head = headOf(request);
    this.response = new Promise((resolve, reject) => {
      this.#respondWith = resolve;
      this.#rejectWith = reject;
    });
    // Not everybody who sends a request waits for its answer.
    this.response.catch(() => undefined);
  }

  get head(): RequestHead {
    return this.#head;
  }

  /** The path within a context, as a front gives it to the application there. */
  relocate(path: string): void {
    this.#head = { ...this.#head, path };
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

  /** The client goes away. Who still waits for the response gets `error`. */
  fail(reason: AbortReason, error: unknown = goneError()): void {
    if (this.#isEnded && !(this.#isTunnel && !this.#isUplinkOver)) return;
    this.#isEnded = this.#isUplinkOver = true;
    this.#rejectWith(error);
    this.#body?.truncate();
    this.#listener?.aborted(reason);
  }

  /** The handler has failed with `error`: who waits for the response gets it instead, a reader of the body as cause. */
  rethrow(error: unknown): void {
    this.#rejectWith(error);
    this.#body?.truncate(error);
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
    this.#isTunnel = status === 101;
    if (this.#isTunnel && this.head.upgrade === undefined)
      throw new TypeError('Status 101 answers a request that asked for no upgrade.');
    const flat = flatOf(fields);
    // RFC 9110 §7.8: what a connector adds.
    if (this.#isTunnel) flat.push('Connection', 'Upgrade');
    this.#body = new TestResponse(status, flat, this.interims, {
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
    if (this.#isTunnel) this.#isUplinkOver = true;
    if (this.#isEnded) return;
    // A turn later: by then the engine has told why.
    if (this.isBegun) setImmediate(() => this.#body?.truncate());
    else this.respond(statusOfAbort(reason), reason === AbortReason.REFUSED ? ['Retry-After', '1'] : [], '');
    this.#isEnded = true;
  }

  async #deliver(listener: RequestListener): Promise<void> {
    for await (const chunk of chunksOf(this.#request.body)) {
      if (this.#isTunnel && this.#isUplinkOver) return;
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
    this.#isUplinkOver = true;
    listener.end(undefined);
  }
}

function goneError(): PorticoError {
  return new PorticoError(
    'PORTICO_TEST_CANCELLED',
    'The test gave the request up before it was answered, so there is no response to read.',
  );
}

function connectionOf({ scheme, port }: TestRequest): ConnectionInfo {
  const isSecure = scheme === 'https';
  return {
    remoteAddress: '127.0.0.1',
    remotePort: 50_000,
    localAddress: '127.0.0.1',
    localPort: port ?? (isSecure ? 443 : 80),
    isSecure,
  };
}

function headOf(request: TestRequest): RequestHead {
  const { method, target, headers, body } = request;
  const question = target.indexOf('?');
  const all = FieldBlock.of(headers);
  // As a connector does it: the fields of the connection stay behind, an upgrade counts only where they announce it.
  const asksUpgrade = /(^|,)\s*upgrade\s*(,|$)/i.test(all.get('connection') ?? '');
  const upgrade = asksUpgrade ? all.get('upgrade') : undefined;
  const fields = FieldBlock.of(headers.filter((_, i) => !CONNECTION_FIELDS.has(nameAt(headers, i))));
  return {
    method,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? undefined : target.slice(question + 1),
    version: '1.1',
    fields,
    authority: (fields.get('host') ?? request.authority ?? 'localhost').toLowerCase(),
    bodyLength: upgrade !== undefined ? -1 : lengthOf(body),
    upgrade,
    expectsContinue: fields.get('expect') === '100-continue',
    connection: connectionOf(request),
  };
}

const CONNECTION_FIELDS = new Set(['connection', 'keep-alive', 'proxy-connection']);

/** Name of the field that element `index` of a flat list belongs to. */
function nameAt(headers: readonly string[], index: number): string {
  return (headers[index - (index % 2)] ?? '').toLowerCase();
}

function lengthOf(body: TestRequest['body']): number {
  return body === undefined ? 0 : body instanceof Uint8Array ? body.length : -1;
}

async function* chunksOf(body: TestRequest['body']): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else if (body !== undefined) yield* body;
}

function flatOf(fields: Fields): string[] {
  return fields instanceof FieldBlock ? fields.flat() : [...fields];
}
