import http from 'node:http';
import type { TestRequestOptions } from 'portico/testing';

/** A response read from a real socket, in the form the engine suite reads. */
export class HttpEngineResponse {
  readonly status: number;
  readonly #message: http.IncomingMessage;

  constructor(message: http.IncomingMessage) {
    this.#message = message;
    this.status = message.statusCode ?? 0;
  }

  header(name: string): string | undefined {
    const values = this.#message.headersDistinct[name.toLowerCase()];
    return values?.join(', ');
  }

  async *chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of this.#message) yield chunk as Buffer;
  }

  async text(): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.chunks()) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  }

  cancel(): void {
    this.#message.destroy();
  }
}

/** Sends one request on a connection of its own. Resolves with the head of the response. */
export function sendHttp(
  port: number,
  method: string,
  target: string,
  options: TestRequestOptions = {},
): Promise<HttpEngineResponse> {
  const [body, contentType] = bodyOf(options);
  const headers: http.OutgoingHttpHeaders = contentType === undefined ? {} : { 'content-type': contentType };
  for (const [name, value] of Object.entries(options.headers ?? {}))
    headers[name.toLowerCase()] = typeof value === 'string' ? value : [...value];
  if (body instanceof Uint8Array) headers['content-length'] = body.length;
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: '127.0.0.1', port, method, path: target, headers, agent: false },
      (message) => resolve(new HttpEngineResponse(message)),
    );
    // Also later, when the response was cut or cancelled; its reader sees that.
    request.on('error', reject);
    // A client that has crashed: a reset. A mere FIN may also be a client that still reads.
    options.signal?.addEventListener('abort', () => request.socket?.resetAndDestroy(), { once: true });
    write(request, body).catch(reject);
  });
}

async function write(request: http.ClientRequest, body: TestRequestOptions['body']): Promise<void> {
  if (body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array))
    for await (const chunk of body) request.write(chunk);
  else if (body !== undefined) request.write(body);
  request.end();
}

/** Body and media type of a request. */
export function bodyOf(
  options: TestRequestOptions,
): readonly [TestRequestOptions['body'], string | undefined] {
  if (options.json !== undefined) return [Buffer.from(JSON.stringify(options.json)), 'application/json'];
  if (options.form !== undefined)
    return [
      Buffer.from(new URLSearchParams({ ...options.form }).toString()),
      'application/x-www-form-urlencoded',
    ];
  return [typeof options.body === 'string' ? Buffer.from(options.body) : options.body, undefined];
}
