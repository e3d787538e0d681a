import type { Duplex } from 'node:stream';
import type { AgentCommand } from '../instance/messages.js';

/** A line longer than this is no report; reports are cut to much less by the agent. */
const MAX_LINE_LENGTH = 256 * 1024;

/** What the owner of a channel hears. */
export interface ChannelListener {
  /** One message, whatever it is; `parseReport` tells whether it is a report. */
  readonly received: (message: unknown) => void;
  /** Something else than lines of JSON came. Called once; nothing is read after it. */
  readonly broken: () => void;
  /** The other end is closed. */
  readonly closed: () => void;
}

/**
 * The server's end of the channel to an agent: lines of JSON over a pipe. Not Node's IPC channel: that throws where
 * nobody can catch it when something else than JSON comes, and the application can write what it likes to the
 * descriptor. Owned by the process it belongs to; ends with it.
 */
export class ControlChannel {
  readonly #pipe: Duplex;
  readonly #listener: ChannelListener;
  #rest = '';
  #isBroken = false;

  constructor(pipe: Duplex, listener: ChannelListener) {
    this.#pipe = pipe;
    this.#listener = listener;
    pipe.setEncoding('utf8');
    pipe.on('data', (text: unknown) => this.#read(String(text)));
    pipe.on('close', () => listener.closed());
    // It breaks when the process ends; `close` follows.
    pipe.on('error', () => undefined);
  }

  /** Whether it arrives is not known; the channel may be closed already. */
  send(command: AgentCommand): void {
    if (this.#pipe.writable) this.#pipe.write(`${JSON.stringify(command)}\n`);
  }

  /** Stops reading; for a channel that is held open after its process has gone. */
  destroy(): void {
    this.#pipe.destroy();
  }

  #read(text: string): void {
    if (this.#isBroken) return;
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.#isBroken = this.#rest.length > MAX_LINE_LENGTH;
    for (const line of lines) {
      if (this.#isBroken) break;
      this.#obey(line);
    }
    if (!this.#isBroken) return;
    this.#rest = '';
    this.#listener.broken();
  }

  #obey(line: string): void {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      this.#isBroken = true;
      return;
    }
    this.#listener.received(message);
  }
}
