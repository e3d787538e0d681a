import type { Log, LogLevel } from 'portico';

/** A log that keeps its lines, errors included, as `level message`. */
export class RecordingLog implements Log {
  readonly lines: string[] = [];

  trace(message: string, error?: unknown): void {
    this.#write('trace', message, error);
  }

  debug(message: string, error?: unknown): void {
    this.#write('debug', message, error);
  }

  info(message: string, error?: unknown): void {
    this.#write('info', message, error);
  }

  warn(message: string, error?: unknown): void {
    this.#write('warn', message, error);
  }

  error(message: string, error?: unknown): void {
    this.#write('error', message, error);
  }

  /** Messages of one level. */
  of(level: LogLevel): readonly string[] {
    return this.lines
      .filter((line) => line.startsWith(`${level} `))
      .map((line) => line.slice(level.length + 1));
  }

  #write(level: LogLevel, message: string, error: unknown): void {
    this.lines.push(`${level} ${message}${error === undefined ? '' : ` ${String((error as Error).stack)}`}`);
  }
}
