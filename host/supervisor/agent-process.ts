import { type ChildProcess, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { type AgentCommand, CHANNEL_DESCRIPTOR } from '../instance/messages.js';
import { STACK_FLAGS } from './blocked-stack.js';
import { ControlChannel } from './control-channel.js';
import { heapReportFlags } from './heap-report.js';
import { killGroup } from './process-group.js';
import { inShell } from './surroundings/in-shell.js';
import type { Surroundings } from './surroundings/surroundings.js';

/** What only the start of a process can give it; everything else comes with the command to boot. */
export interface AgentProcessOptions extends Surroundings {
  readonly agentPath: string;
  /** Working directory at the start. */
  readonly folder: string;
  readonly maxHeapBytes: number;
  /** Open files at most; 0: as the host. */
  readonly maxFiles: number;
  /** Where it will listen; its heap report lies beside it. */
  readonly socketPath: string;
}

/** Who hears of a process. */
export interface AgentOwner {
  /** One message, whatever it is; `parseReport` tells whether it is a report. */
  received(message: unknown): void;
  /** It wrote something else to its channel than messages; nothing is read any more. */
  broken(): void;
  /** Its end of the channel is closed. */
  disconnected(): void;
  exited(code: number | null, signal: NodeJS.Signals | null): void;
  /** It could not be started, or a signal not be sent. */
  failed(error: unknown): void;
}

/**
 * A process in which the agent runs, with the channel to it: before it has an application, and with one. It has one owner
 * at a time: the instance that it was started for, or the pool of spares and then the instance that takes it. It leads a
 * group of its own, so that what it spawned ends with it.
 */
export class AgentProcess {
  readonly child: ChildProcess;
  readonly pid: number | undefined;
  readonly #channel: ControlChannel | undefined;
  #owner: AgentOwner;

  /** Starts one. Throws what the system says of the options; what it says later the owner hears. */
  constructor(options: AgentProcessOptions, owner: AgentOwner) {
    const { agentPath, folder, maxHeapBytes, maxFiles, socketPath, environment, nodeOptions, identity } =
      options;
    this.#owner = owner;
    const heap = `--max-old-space-size=${Math.max(16, Math.floor(maxHeapBytes / 1024 / 1024))}`;
    const flags = [
      heap,
      NO_HINTS_ON_OUR_FILES,
      ...STACK_FLAGS,
      ...heapReportFlags(socketPath),
      ...nodeOptions,
    ];
    const command = [process.execPath, ...flags, agentPath];
    const [program = '', ...args] = inShell(command, { umask: undefined, maxFiles });
    const child = spawn(program, args, {
      cwd: folder,
      env: environment,
      ...identity,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.child = child;
    this.pid = child.pid;
    child.on('error', (error) => this.#owner.failed(error));
    child.once('exit', (code, signal) => this.#owner.exited(code, signal));
    const pipe: unknown = child.stdio[CHANNEL_DESCRIPTOR];
    if (!(pipe instanceof Duplex)) return;
    this.#channel = new ControlChannel(pipe, {
      received: (message) => this.#owner.received(message),
      broken: () => this.#owner.broken(),
      closed: () => this.#owner.disconnected(),
    });
  }

  /** From now on this owner hears of it, and the one before does not. */
  giveTo(owner: AgentOwner): void {
    this.#owner = owner;
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Whether it arrived shows in what follows: no ready, no exit. Both have deadlines. */
  send(command: AgentCommand): void {
    this.#channel?.send(command);
  }

  /** Ends it and its group now. */
  kill(): void {
    if (this.pid !== undefined) killGroup(this.pid);
  }

  /** Stops reading what it wrote: a child that it has left behind may hold that open. */
  closeStreams(): void {
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    this.#channel?.destroy();
  }
}

/** Node would ask for a `package.json` in a folder of the host, with each bundle of `.js` modules that has none of its own. */
const NO_HINTS_ON_OUR_FILES = '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON';
