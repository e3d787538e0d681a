import { printable } from '../../log/printable.js';

const MAX_LINES = 50;
const MAX_LINE_LENGTH = 4096;

/** The last lines a deployment printed, kept in memory to explain a failure. */
export class OutputTail {
  #lines: string[] = [];

  push(line: string): void {
    const cut = line.length > MAX_LINE_LENGTH ? `${line.slice(0, MAX_LINE_LENGTH)}...` : line;
    this.#lines.push(cut);
    if (this.#lines.length > 2 * MAX_LINES) this.#lines = this.#lines.slice(-MAX_LINES);
  }

  /** Oldest first; control characters escaped. */
  lines(): readonly string[] {
    return this.#lines.slice(-MAX_LINES).map(printable);
  }
}
