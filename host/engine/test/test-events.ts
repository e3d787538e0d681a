import { PorticoError } from '../../errors.js';
import { EventStreamParser, type ReceivedEvent } from './event-stream-parser.js';
import { Mailbox } from './mailbox.js';
import type { TestClient } from './test-client.js';
import type { TestResponse } from './test-response.js';
import { TestStatusError } from './test-status-error.js';

/** How a stream of events is opened. */
export interface TestEventsOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `Last-Event-ID`, as a client does that comes back. */
  readonly lastEventId?: string;
  /** How long `next` may take. Default 30 s; 0: for ever. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * The client's end of a stream of server-sent events.
 *
 * ```ts
 * const events = await t.client.events('/events');
 * expect(await events.next()).toMatchObject({ event: 'tick', data: '1' });
 * events.close();
 * ```
 */
export class TestEvents implements AsyncIterable<ReceivedEvent> {
  readonly response: TestResponse;
  /** Comments so far, such as heartbeats. */
  readonly comments: string[] = [];
  readonly #events = new Mailbox<ReceivedEvent>('A server-sent event');
  readonly #timeoutMs: number;

  constructor(response: TestResponse, timeoutMs: number) {
    this.response = response;
    this.#timeoutMs = timeoutMs;
    this.#read().catch((error: unknown) => this.#events.end(error as Error));
  }

  /** The next event; undefined when the application has ended the stream. Truncated: rejects. */
  next(): Promise<ReceivedEvent | undefined> {
    return this.#events.take(this.#timeoutMs);
  }

  /** All events until the stream ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReceivedEvent, void, undefined> {
    for (let event = await this.next(); event !== undefined; event = await this.next()) yield event;
  }

  /** The client goes away. */
  close(): void {
    this.response.cancel();
    this.#events.end();
  }

  async #read(): Promise<void> {
    const parser = new EventStreamParser({
      event: (event) => this.#events.put(event),
      comment: (text) => this.comments.push(text),
    });
    for await (const chunk of this.response.chunks()) parser.read(chunk);
    this.#events.end();
  }
}

/** Opens a stream of events through a client. */
export async function openTestEvents(
  client: TestClient,
  target: string,
  options: TestEventsOptions = {},
): Promise<TestEvents> {
  const headers = {
    Accept: 'text/event-stream',
    'Cache-Control': 'no-store',
    ...(options.lastEventId === undefined ? {} : { 'Last-Event-ID': options.lastEventId }),
    ...options.headers,
  };
  const response = await client.with({ expectSuccess: false }).request('GET', target, { headers });
  if (response.status !== 200) throw new TestStatusError('GET', response, '200');
  const type = response.header('content-type') ?? '';
  if (!/^text\/event-stream\s*(;|$)/i.test(type))
    throw new PorticoError(
      'PORTICO_TEST_HANDSHAKE',
      `${response.url} was answered with Content-Type ${JSON.stringify(type)}, which is no stream of events.`,
    );
  return new TestEvents(response, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
}
