import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { PorticoError } from '../errors.js';
import { type AgentCommand, type AgentReport, CHANNEL_DESCRIPTOR } from './messages.js';

/**
 * The agent's end of the channel to its supervisor. It is a pipe of its own, not Node's IPC channel, so that the
 * application finds no `process.send`, hears no `message` and cannot close it by `disconnect`. It keeps the process
 * alive only while it is held.
 */
export class SupervisorChannel {
  readonly #socket: Socket;
  #received = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Opens the channel, once. Throws PORTICO_NO_SUPERVISOR when the process was not started by a supervisor. */
  static open(): SupervisorChannel {
    try {
      if (!fstatSync(CHANNEL_DESCRIPTOR).isSocket())
        throw new Error(`descriptor ${CHANNEL_DESCRIPTOR} is no pipe`);
      return new SupervisorChannel(new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true }));
    } catch (cause) {
      throw new PorticoError(
        'PORTICO_NO_SUPERVISOR',
        'The agent has no channel to a supervisor. It is started by the host; run "portico start".',
        { cause },
      );
    }
  }

  /** Begins to receive. `onClosed` is called when the supervisor is gone. */
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
