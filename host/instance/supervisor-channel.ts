import { Socket } from 'node:net';
import { PorticoError } from '../errors.js';
import type { AgentCommand, AgentReport } from './messages.js';

/**
 * The agent's end of the IPC channel, taken away from Node's `process` object: the application finds neither `send`
 * nor `channel`, hears no `message`, and cannot close it. The channel never keeps the process alive.
 *
 * Node speaks JSON lines on this socket (`serialization: 'json'`, the default of `fork`); so does this class.
 */
export class SupervisorChannel {
  readonly #socket: Socket;
  #received = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /**
   * Takes the channel over. Call before any application code runs, once.
   * Throws PORTICO_NO_SUPERVISOR when the process was not started with an IPC channel.
   */
  static take(): SupervisorChannel {
    const owner = process as unknown as Record<string | symbol, unknown>;
    const key = Object.getOwnPropertySymbols(process).find(
      (symbol) => symbol.description === 'kChannelHandle',
    );
    const handle = key === undefined ? undefined : (owner[key] as { readStop(): void } | null | undefined);
    if (key === undefined || handle === undefined || handle === null) {
      throw new PorticoError(
        'PORTICO_NO_SUPERVISOR',
        'The agent has no channel to a supervisor. It is started by the host; run "portico start".',
      );
    }
    for (const event of ['internalMessage', 'newListener', 'removeListener'])
      process.removeAllListeners(event);
    for (const name of CHANNEL_PROPERTIES) delete owner[name];
    delete owner[key];
    delete process.env['NODE_CHANNEL_FD'];
    delete process.env['NODE_CHANNEL_SERIALIZATION_MODE'];
    handle.readStop();
    return new SupervisorChannel(
      new Socket({ handle } as unknown as ConstructorParameters<typeof Socket>[0]),
    );
  }

  /** Begins to receive. `onClosed` is called once when the supervisor is gone. */
  listen(onCommand: (command: AgentCommand) => void, onClosed: () => void): void {
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (text: unknown) => this.#receive(String(text), onCommand));
    this.#socket.on('error', onClosed);
    this.#socket.on('close', onClosed);
    this.#socket.on('end', onClosed);
  }

  /** Sends a report; written at once, so that also the last words of a process in its `exit` event arrive. */
  send(report: AgentReport, onSent?: () => void): void {
    this.#socket.write(`${JSON.stringify(report)}\n`, onSent);
  }

  /** Whether waiting for a command keeps the process alive. */
  hold(isHeld: boolean): void {
    if (isHeld) this.#socket.ref();
    else this.#socket.unref();
  }

  #receive(text: string, onCommand: (command: AgentCommand) => void): void {
    const lines = (this.#received + text).split('\n');
    this.#received = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onCommand(JSON.parse(line) as AgentCommand);
  }
}

const CHANNEL_PROPERTIES = [
  'send',
  '_send',
  'connected',
  'channel',
  '_channel',
  'disconnect',
  '_disconnect',
  '_handleQueue',
  '_pendingMessage',
] as const;
