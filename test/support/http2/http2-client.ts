import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';

/** A whole response. */
export interface Http2Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders | undefined;
  /** Status of each interim response. */
  readonly interim: readonly number[];
}

/** Node's own client on one connection. */
export class Http2Client {
  readonly session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.session = session;
    // What goes wrong is seen on the streams.
    session.on('error', () => undefined);
  }

  static async open(
    port: number,
    options: ClientSessionOptions | SecureClientSessionOptions = {},
    scheme = 'http',
  ): Promise<Http2Client> {
    const client = new Http2Client(connect(`${scheme}://127.0.0.1:${port}`, options));
    await once(client.session, 'remoteSettings');
    return client;
  }

  /** A request whose response the caller reads. */
  start(headers: OutgoingHttpHeaders, endStream = true): ClientHttp2Stream {
    return this.session.request(headers, { endStream });
  }

  /** A whole request. Rejects when the stream is reset. */
  async request(headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<Http2Response> {
    const stream = this.start(headers, body === undefined);
    if (body !== undefined) stream.end(body);
    return await readResponse(stream);
  }

  close(): void {
    this.session.destroy();
  }
}

/** Reads a response to its end. */
export async function readResponse(stream: ClientHttp2Stream): Promise<Http2Response> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | undefined;
  const interim: number[] = [];
  const chunks: Buffer[] = [];
  stream.on('response', (received) => {
    headers = received;
  });
  stream.on('headers', (received) => interim.push(Number(received[':status'])));
  stream.on('trailers', (received) => {
    trailers = received;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  if (!stream.closed) await once(stream, 'close');
  if (stream.rstCode !== 0) throw new Error(`reset with ${stream.rstCode}`);
  return {
    status: Number(headers[':status']),
    headers,
    body: Buffer.concat(chunks).toString(),
    trailers,
    interim,
  };
}
