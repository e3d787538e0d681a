import type { Readable } from 'node:stream';
import { printable } from '../../log/printable.js';
import { OutputLines } from './output-lines.js';
import type { OutputLog } from './output-log.js';
import { OutputRate } from './output-rate.js';
import type { OutputTail } from './output-tail.js';

/**
 * Takes what one process prints to the log of its application and to the tail kept in memory. Each line carries time,
 * process and stream, so a printed line cannot pass for one of another process; control characters are escaped.
 * The streams are always read: a full pipe would stop the application.
 */
export class OutputCapture {
  readonly #log: OutputLog;
  readonly #tail: OutputTail;
  readonly #label: string;
  readonly #echo: ((line: string) => void) | undefined;
  readonly #rate = new OutputRate();

  /** `label` names the process: version, number and incarnation. `echo` gets each line that is logged, printable. */
  constructor(log: OutputLog, tail: OutputTail, label: string, echo?: (line: string) => void) {
    this.#log = log;
    this.#tail = tail;
    this.#label = label;
    this.#echo = echo;
  }

  attach(stream: Readable, name: 'out' | 'err'): void {
    const lines = new OutputLines((line) => {
      this.#tail.push(line);
      for (const passed of this.#rate.pass(line)) this.#write(name, passed);
    });
    stream.on('data', (chunk: Buffer) => lines.push(chunk));
    stream.on('error', (error) => this.#write('err', `(output lost: ${error.message})`));
    stream.on('close', () => {
      lines.end();
      const notice = this.#rate.end();
      if (notice !== undefined) this.#write(name, notice);
    });
  }

  #write(name: 'out' | 'err', line: string): void {
    const text = printable(line);
    this.#log.write(`${new Date().toISOString()} ${this.#label} ${name} ${text}`);
    this.#echo?.(text);
  }
}
