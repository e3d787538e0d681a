import { once } from 'node:events';
import {
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { TestRequestOptions } from 'portico/testing';
import { bodyOf } from '#test/support/http-engine-client.js';

/** A response on a stream of HTTP/2, in the form the engine suite reads. */
export class Http2EngineResponse {
  readonly status: number;
  readonly #headers: IncomingHttpHeaders;
  readonly #stream: ClientHttp2Stream;

  constructor(stream: ClientHttp2Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream;
    this.#headers = headers;
    this.status = Number(headers[':status']);
  }

  header(name: string): string | undefined {
    const value = this.#headers[name.toLowerCase()];
    return typeof value === 'object' ? value.join(', ') : value;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of this.#stream) yield chunk as Buffer;
    // A stream that is reset without an error of its own looks whole.
    if (!this.#stream.closed) await once(this.#stream, 'close');
    if (this.#stream.rstCode !== 0) throw new Error(`reset with ${this.#stream.rstCode}`);
  }

  async text(): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.chunks()) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }

  cancel(): void {
    this.#stream.close();
  }
}

/** Sends one request by HTTP/2 on a connection of its own. Resolves with the head of the response. */
export function sendHttp2(
  origin: string,
  method: string,
  target: string,
  options: TestRequestOptions = {},
): Promise<Http2EngineResponse> {
  const [body, contentType] = bodyOf(options);
  const headers: OutgoingHttpHeaders = { ':method': method, ':path': target };
  if (contentType !== undefined) headers['content-type'] = contentType;
  for (const [name, value] of Object.entries(options.headers ?? {}))
    headers[name.toLowerCase()] = typeof value === 'string' ? value : [...value];
  if (body instanceof Uint8Array) headers['content-length'] = body.length;
  const session = connect(origin, { rejectUnauthorized: false });
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    // A response that is there as a whole and that nobody reads would keep the connection.
    session.on('goaway', () => stream.closed && session.destroy());
    const stream = session.request(headers, { endStream: body === undefined });
    stream.on('response', (received) => resolve(new Http2EngineResponse(stream, received)));
    stream.on('error', reject);
    stream.on('close', () => {
      reject(new Error('closed without an answer'));
      session.close();
    });
    options.signal?.addEventListener('abort', () => session.destroy(), { once: true });
    write(stream, body).catch(reject);
  });
}

async function write(stream: ClientHttp2Stream, body: TestRequestOptions['body']): Promise<void> {
  if (body === undefined) return;
  if (typeof body !== 'string' && !(body instanceof Uint8Array))
    for await (const chunk of body) stream.write(chunk);
  else stream.write(body);
  stream.end();
}
