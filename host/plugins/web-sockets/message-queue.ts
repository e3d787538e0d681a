import type { WebSocketMessage } from './message.js';

/** What may wait. */
export interface QueueLimit {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Messages that have come and were not taken yet. `onFull` and `onRoom` tell the connection to stop reading and to go
 * on, so that a slow handler slows its client instead of filling the memory. Owned by a session.
 */
export class MessageQueue implements AsyncIterable<WebSocketMessage> {
  readonly #limit: QueueLimit;
  readonly #onFull: () => void;
  readonly #onRoom: () => void;
  readonly #messages: WebSocketMessage[] = [];
  #bytes = 0;
  #isFull = false;
  #isEnded = false;
  #waiting: (() => void)[] = [];

  constructor(limit: QueueLimit, onFull: () => void, onRoom: () => void) {
    this.#limit = limit;
    this.#onFull = onFull;
    this.#onRoom = onRoom;
  }

  put(message: WebSocketMessage): void {
    if (this.#isEnded) return;
    this.#messages.push(message);
    this.#bytes += message.bytes.length;
    if (!this.#isFull && this.#exceeds(1)) {
      this.#isFull = true;
      this.#onFull();
    }
    this.#wake();
  }

  /** Nothing more will come; what is there can still be taken. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The next message; undefined when the connection is closed and all were taken. */
  async take(): Promise<WebSocketMessage | undefined> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) {
        this.#bytes -= message.bytes.length;
        // Half empty, so that the connection is not stopped and started for every message.
        if (this.#isFull && !this.#exceeds(0.5)) {
          this.#isFull = false;
          this.#onRoom();
        }
        return message;
      }
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WebSocketMessage, void, undefined> {
    for (let message = await this.take(); message !== undefined; message = await this.take()) yield message;
  }

  #exceeds(part: number): boolean {
    const { messages, bytes } = this.#limit;
    return this.#messages.length > messages * part || this.#bytes > bytes * part;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
