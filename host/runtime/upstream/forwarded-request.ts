import type { ClientRequest, IncomingMessage, InformationEvent, ServerResponse } from 'node:http';
import { Stream } from 'node:stream';
import { removeHopByHop, trailersOf } from './forwarded-fields.js';
import { OutgoingDeadline, type OutgoingTimes } from './outgoing-deadline.js';

/** Times of a request that is forwarded. */
export interface ForwardingTimes extends OutgoingTimes {
  /** Longest pause within a response body. */
  readonly idleMs: number;
}

/**
 * One request of a client on its way to an upstream and its response on the way back: what `http-proxy` leaves out
 * between the two streams. It is the `buffer` that http-proxy sends as the body, since that is how one gets hold of
 * the outgoing request before it waits for a connection.
 */
export class ForwardedRequest extends Stream {
  readonly #incoming: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #target: string;
  readonly #times: ForwardingTimes;
  readonly #onFailure: (reason: string) => void;
  #outgoing: ClientRequest | undefined;
  /** A response of the upstream, or of ours in its place, has begun. */
  #isAnswered = false;

  /**
   * `target` is sent as it is: path and query, no character beyond visible ISO-8859-1. `onFailure` is told why the upstream
   * did not answer, or not to the end, while the client was still there.
   */
  constructor(
    incoming: IncomingMessage,
    response: ServerResponse,
    target: string,
    times: ForwardingTimes,
    onFailure: (reason: string) => void,
  ) {
    super();
    this.#incoming = incoming;
    this.#response = response;
    this.#target = target;
    this.#times = times;
    this.#onFailure = onFailure;
  }

  /** Called by http-proxy with the request to the upstream as soon as it is made. */
  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    this.#start(destination as unknown as ClientRequest);
    return destination;
  }

  /**
   * True when the upstream had just closed the kept connection that was used. Asking again, on a new connection, is safe
   * for GET and HEAD (RFC 9110 §9.2.2), as long as no body has been used up.
   */
  mayRetry(error: unknown): boolean {
    const { method } = this.#incoming;
    if ((method !== 'GET' && method !== 'HEAD') || !this.mayStartAnew) return false;
    return codeOf(error) === 'ECONNRESET' && this.#outgoing?.reusedSocket === true;
  }

  /** A response has begun, or the client has gone: nobody waits for an answer any more. */
  get isSettled(): boolean {
    return this.#isAnswered || this.#response.destroyed;
  }

  /** No answer has begun, and there is no body of which something may be used up. */
  get mayStartAnew(): boolean {
    const { headers } = this.#incoming;
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    return !hasBody && !this.isSettled;
  }

  /**
   * Answers in place of the upstream. Nothing happens once a response has begun: how that ends is told by its own
   * stream, and an upstream that answers early and closes must not lose its answer to the error of our writing.
   * `cause` is told to `onFailure`, not to the client.
   */
  fail(status: number, reason: string, cause?: string): void {
    if (this.isSettled) return;
    if (cause !== undefined) this.#onFailure(cause);
    this.#isAnswered = true;
    const fields = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
    this.#response.writeHead(status, fields);
    this.#response.end(`${status}: ${reason}\n`);
  }

  #start(outgoing: ClientRequest): void {
    const incoming = this.#incoming;
    const response = this.#response;
    this.#outgoing = outgoing;
    // http-proxy joins paths in a way of its own; the upstream must see the bytes that were mapped.
    outgoing.path = this.#target;
    const deadline = new OutgoingDeadline(outgoing, this.#times, (cause) => this.fail(504, NO_ANSWER, cause));
    // A 101 that nobody has asked for would be waited on for ever.
    outgoing.once('upgrade', (_reply, socket) => {
      socket.destroy();
      this.fail(502, NO_RESPONSE, 'it changed the protocol unasked');
    });
    outgoing.on('information', (interim) => this.#inform(interim));
    // Before the listener of http-proxy, which copies the head.
    outgoing.once('response', (reply) => this.#reply(reply));
    // http-proxy notices a client that leaves only while it still sends: the upstream would work on for nobody.
    response.once('close', () => outgoing.destroy());
    incoming.on('data', () => deadline.extend());
    incoming.once('end', () => {
      const trailers = trailersOf(incoming);
      if (trailers !== undefined && !outgoing.destroyed) outgoing.addTrailers(trailers);
    });
    incoming.pipe(outgoing);
  }

  /** An interim response. Of those only 103 (RFC 8297) means something to the client: it has got its 100 already. */
  #inform({ statusCode, headers }: InformationEvent): void {
    // RFC 9110 §15.2: HTTP/1.0 knows no interim responses.
    if (statusCode !== 103 || this.#isAnswered || this.#incoming.httpVersion === '1.0') return;
    removeHopByHop(headers);
    let text = 'HTTP/1.1 103 Early Hints\r\n';
    for (const [name, value] of Object.entries(headers))
      for (const one of [value ?? []].flat()) text += `${name}: ${one}\r\n`;
    // Node's own `writeEarlyHints` throws at lists of links.
    this.#response.socket?.write(`${text}\r\n`, 'latin1');
  }

  #reply(reply: IncomingMessage): void {
    const response = this.#response;
    // Node would throw at it, in an event handler where nobody can catch it. http-proxy sees that we have answered.
    if ((reply.statusCode ?? 0) < 200) {
      this.fail(502, NO_RESPONSE, `it sent the status ${reply.statusCode}`);
      reply.destroy();
      return;
    }
    this.#isAnswered = true;
    // As above for a phrase with control characters; it means nothing (RFC 9112 §4).
    reply.statusMessage = '';
    const { 'keep-alive': keepAlive } = reply.headers;
    removeHopByHop(reply.headers);
    reply.once('end', () => {
      // The agent reads there how long the upstream keeps the connection.
      if (keepAlive !== undefined) reply.headers['keep-alive'] = keepAlive;
      const trailers = trailersOf(reply);
      if (trailers !== undefined && !response.destroyed) response.addTrailers(trailers);
    });
    reply.setTimeout(this.#times.idleMs, () => reply.destroy());
    // `pipe` does not pass a broken end on: the client would wait for ever.
    reply.once('close', () => {
      if (reply.complete) return;
      if (!response.destroyed) this.#onFailure('it broke off its response');
      response.destroy();
    });
  }
}

/** What the client reads when the upstream does not answer. */
export const NO_ANSWER = 'The server behind this address does not answer.';
const NO_RESPONSE = 'The server behind this address sends no valid response.';

/** The code of a system error; undefined for anything else. */
function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
