/** An event as a client sees it. */
export interface ReceivedEvent {
  /** `message` where the application named none. */
  readonly event: string;
  /** Lines joined by `\n`. */
  readonly data: string;
  /** The last id of the stream so far; `''` before there was one. */
  readonly id: string;
  /** Time to wait before coming back, where this event says it. */
  readonly retryMs: number | undefined;
}

/** Reads `text/event-stream` as the HTML standard says (§9.2.6 "Interpreting an event stream"). */
export class EventStreamParser {
  readonly #sink: { event(event: ReceivedEvent): void; comment(text: string): void };
  readonly #decoder = new TextDecoder();
  #rest = '';
  #data: string[] = [];
  #event = '';
  #id = '';
  #retryMs: number | undefined;

  constructor(sink: { event(event: ReceivedEvent): void; comment(text: string): void }) {
    this.#sink = sink;
  }

  read(chunk: Uint8Array): void {
    this.#rest += this.#decoder.decode(chunk, { stream: true });
    // A CR at the very end may be half of a CRLF.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (colon === 0) this.#sink.comment(value);
    else if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.#retryMs = Number(value);
  }

  #dispatch(): void {
    const data = this.#data;
    const event: ReceivedEvent = {
      event: this.#event === '' ? 'message' : this.#event,
      data: data.join('\n'),
      id: this.#id,
      retryMs: this.#retryMs,
    };
    this.#data = [];
    this.#event = '';
    this.#retryMs = undefined;
    if (data.length > 0) this.#sink.event(event);
  }
}
