import { STATUS_CODES } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import type { TestClient } from './test-client.js';
import type { TestResponse } from './test-response.js';

/**
 * One HTTP/1.1 connection in memory for one request that asks for an upgrade: a client library writes its request here,
 * the request goes through a `TestClient`, and behind 101 the bytes are those of the tunnel. Lives as long as the tunnel.
 */
export class TestConnection extends Duplex {
  /** The head of the response; rejects with what the request rejects with. */
  readonly response: Promise<TestResponse>;
  readonly #client: TestClient;
  readonly #target: string;
  readonly #uplink = new PassThrough();
  #settle: { resolve(response: TestResponse): void; reject(error: unknown): void } | undefined;
  #head = '';
  #isSent = false;
  #downlink: AsyncGenerator<Buffer> | undefined;
  #answer: TestResponse | undefined;
  #isPulling = false;

  constructor(client: TestClient, target: string) {
    super();
    this.#client = client;
    this.#target = target;
    this.response = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.response.catch(() => undefined);
  }

  /** Puts bytes between what the library writes. */
  sendRaw(bytes: Uint8Array): void {
    this.#uplink.write(bytes);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.#isSent) {
      if (this.#uplink.write(chunk)) callback();
      else this.#uplink.once('drain', callback);
      return;
    }
    this.#head += chunk.toString('latin1');
    if (this.#head.endsWith('\r\n\r\n')) this.#send();
    callback();
  }

  override _final(callback: () => void): void {
    this.#uplink.end();
    callback();
  }

  override _read(): void {
    if (this.#downlink !== undefined && !this.#isPulling) this.#pull(this.#downlink);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#uplink.destroy();
    this.#answer?.cancel();
    this.#settle?.reject(error ?? new Error('The connection was destroyed before there was a response.'));
    callback(error);
  }

  #send(): void {
    this.#isSent = true;
    const [, ...lines] = this.#head.trimEnd().split('\r\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon);
      // The client names the host from the target, also one that is not the scheme's own port.
      if (name.toLowerCase() !== 'host') headers[name] = line.slice(colon + 1).trim();
    }
    this.#client
      .with({ followRedirects: false, expectSuccess: false })
      .request('GET', this.#target, { headers, body: this.#uplink })
      .then(
        (response) => this.#begin(response),
        (error: unknown) => this.#settle?.reject(error),
      );
  }

  #begin(response: TestResponse): void {
    this.#settle?.resolve(response);
    if (response.status !== 101) return;
    this.#answer = response;
    const fields = Object.entries(response.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.push(`HTTP/1.1 101 ${STATUS_CODES[101]}\r\n${fields.join('')}\r\n`, 'latin1');
    this.#downlink = response.chunks();
    this.#pull(this.#downlink);
  }

  #pull(downlink: AsyncGenerator<Buffer>): void {
    this.#isPulling = true;
    downlink.next().then(
      ({ done, value }) => {
        this.#isPulling = false;
        this.push(done === true ? null : value);
      },
      () => this.destroy(),
    );
  }
}
