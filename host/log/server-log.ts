import { type Logger, pino } from 'pino';
import type { EventLog } from './event-log.js';
import { textLine } from './text-line.js';

/** Log of the server process: `log.info({ application }, 'deployed')`. */
export type ServerLog = Logger;

/** How the log is written. */
export interface ServerLogOptions {
  /** `auto`: text on a terminal, JSON otherwise. Default `auto`. */
  readonly format?: 'auto' | 'text' | 'json';
  /** Default `info`. */
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Default: standard output. */
  readonly out?: { readonly isTTY?: boolean; write(text: string): unknown };
  /** Is given every line of the level that is written. Default: nobody is. */
  readonly events?: EventLog;
}

/** Makes the server's log. One event is one line in both formats, whatever its values contain. */
export function createServerLog(options: ServerLogOptions = {}): ServerLog {
  const out = options.out ?? process.stdout;
  const format = options.format ?? 'auto';
  const isText = format === 'text' || (format === 'auto' && out.isTTY === true);
  return pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line: string): void {
        options.events?.take(line);
        out.write(isText ? textLine(line) : line);
      },
    },
  );
}

/** A log that keeps nothing, for tests and embedding. */
export function silentLog(): ServerLog {
  return createServerLog({ level: 'silent' });
}
