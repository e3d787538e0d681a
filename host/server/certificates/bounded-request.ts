import { type IncomingMessage, type RequestOptions, request as startHttp } from 'node:http';
import { request as startHttps } from 'node:https';

/** An answer whose body was read to its end. */
export interface BoundedAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What one request is sent with; `signal` ends it, `maxBytes` is the most that the answer may have. */
export interface BoundedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
  /** PEM of the authorities for https; undefined: those of Node. */
  readonly ca?: string | undefined;
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

/**
 * Sends one request, over http or https as the URL says, on a connection of its own. Redirects are not followed. Rejects
 * with what Node says of the connection, with the reason of the signal, and when the answer is too large.
 */
export function sendBounded(url: URL, request: BoundedRequest): Promise<BoundedAnswer> {
  const { method, headers, body, ca, signal, maxBytes } = request;
  const start = url.protocol === 'https:' ? startHttps : startHttp;
  const options: RequestOptions = { method, headers, agent: false, signal };
  return new Promise((resolve, reject) => {
    const outgoing = start(url, { ...options, ...(ca !== undefined && { ca }) }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxBytes) response.destroy(new Error(`the answer is larger than ${maxBytes} bytes`));
      });
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: Buffer.concat(chunks) });
      });
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
