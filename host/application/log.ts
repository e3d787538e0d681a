import { logContext } from './log-context.js';

/** Where an application writes what happened to it. MAY be replaced by any logger of this shape, such as pino. */
export interface Log {
  trace(message: string, error?: unknown): void;
  debug(message: string, error?: unknown): void;
  info(message: string, error?: unknown): void;
  warn(message: string, error?: unknown): void;
  error(message: string, error?: unknown): void;
  /** Are lines of this level written? Spares the work for lines that are not. Without it `trace` lines are not made. */
  isLevelEnabled?(level: LogLevel): boolean;
  /**
   * Do its lines tell the facts of the call in whose handling they are logged (`callId`, those of `mdc`; `logContext()`
   * gives them)? Keeping them at hand in all that a call does costs time, which other logs are spared: without `true` here
   * `logContext()` is undefined. The default log tells them.
   */
  readonly tellsCallFacts?: boolean;
}

/** In order of weight. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

const ORDER: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

/**
 * Writes lines `LEVEL message` and the stack of the error to the console: `warn` and `error` to standard error, the
 * rest to standard output. Lighter lines than `level` (default `info`) are dropped. Facts of the call that is being
 * handled (`logContext`) stand behind the message.
 */
export class ConsoleLog implements Log {
  readonly tellsCallFacts: boolean = true;
  readonly #threshold: number;

  constructor(level: LogLevel = 'info') {
    this.#threshold = ORDER.indexOf(level);
  }

  isLevelEnabled(level: LogLevel): boolean {
    return ORDER.indexOf(level) >= this.#threshold;
  }

  trace(message: string, error?: unknown): void {
    this.#write(0, message, error);
  }

  debug(message: string, error?: unknown): void {
    this.#write(1, message, error);
  }

  info(message: string, error?: unknown): void {
    this.#write(2, message, error);
  }

  warn(message: string, error?: unknown): void {
    this.#write(3, message, error);
  }

  error(message: string, error?: unknown): void {
    this.#write(4, message, error);
  }

  #write(level: number, message: string, error: unknown): void {
    if (level < this.#threshold) return;
    const line = `${(ORDER[level] ?? '').toUpperCase()} ${message}${contextText()}`;
    const write = level >= 3 ? console.error : console.log;
    if (error === undefined) write(line);
    else write(line, error);
  }
}

/** The facts of the call, ` [callId=7f3a]`. Clients may have written them: they must not begin another line. */
function contextText(): string {
  const context = logContext();
  if (context === undefined || context.size === 0) return '';
  const text = [...context].map(([name, value]) => `${name}=${value}`).join(' ');
  return ` [${text.replace(CONTROLS, escaped)}]`;
}

const CONTROLS = /[\p{Cc}\u2028\u2029]/gu;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
