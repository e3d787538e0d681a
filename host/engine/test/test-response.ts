import { Readable } from 'node:stream';
import { PorticoError } from '../../errors.js';

/** Response of a `TestClient`: the head at once, the body as it comes. */
export class TestResponse {
  readonly status: number;
  /** Interim statuses that came before: 100, 103. */
  readonly interims: readonly number[];
  /** What the response answers: `http://localhost/items?q=1`; behind redirects the last one. */
  url = '';
  /** How many redirects were followed to get here. */
  redirects = 0;
  readonly #headers: readonly string[];
  readonly #source: { readonly read: () => void; readonly cancel: () => void };
  readonly #chunks: Buffer[] = [];
  #buffered = 0;
  #state: 'open' | 'complete' | 'truncated' = 'open';
  #cause: unknown;
  #wake: (() => void) | undefined;

  constructor(
    status: number,
    headers: readonly string[],
    interims: readonly number[],
    source: { readonly read: () => void; readonly cancel: () => void },
  ) {
    this.status = status;
    this.#headers = headers;
    this.interims = interims;
    this.#source = source;
  }

  /** True for 200 to 299. */
  get isSuccess(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  /** Values of a header field, joined by `, `; undefined when it is not there. */
  header(name: string): string | undefined {
    const values = this.headerAll(name);
    return values.length === 0 ? undefined : values.join(', ');
  }

  /** Values of all lines of a header field. */
  headerAll(name: string): readonly string[] {
    const lower = name.toLowerCase();
    return this.#headers.filter((_, i) => i % 2 === 1 && this.#headers[i - 1]?.toLowerCase() === lower);
  }

  /** All header fields by lower-case name; lines of one name are joined by `, `. */
  get headers(): Readonly<Record<string, string>> {
    const names = this.#headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    return Object.fromEntries(names.map((name) => [name, this.header(name) ?? '']));
  }

  /** The body chunk by chunk; the application writes no faster than this is read. Truncated: rejects. */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#buffered -= chunk.length;
        this.#source.read();
        yield chunk;
      } else if (this.#state === 'complete') return;
      else if (this.#state === 'truncated')
        throw new PorticoError('PORTICO_TRUNCATED', 'The response ended before it was complete.', {
          cause: this.#cause,
        });
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  async bytes(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.chunks()) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async text(): Promise<string> {
    return (await this.bytes()).toString('utf8');
  }

  async json<T = unknown>(): Promise<T> {
    return JSON.parse(await this.text()) as T;
  }

  /** The body as a stream of Node, no faster than it is read. */
  stream(): Readable {
    return Readable.from(this.chunks(), { objectMode: false });
  }

  /** The client goes away. */
  cancel(): void {
    this.#source.cancel();
  }

  /** Bytes written by the application and not read yet. */
  get buffered(): number {
    return this.#buffered;
  }

  /** For the exchange. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(Buffer.from(chunk));
    this.#buffered += chunk.length;
    this.#wakeReader();
  }

  /** For the exchange. */
  complete(): void {
    this.#state = 'complete';
    this.#wakeReader();
  }

  /** For the exchange. `cause`: the error of the handler, where it is known. */
  truncate(cause?: unknown): void {
    this.#cause ??= cause;
    if (this.#state === 'open') this.#state = 'truncated';
    this.#wakeReader();
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
