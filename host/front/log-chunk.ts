/** How what a client sent is made harmless: `\xHH` as Apache and nginx do, or as JSON has it. */
export type Escaping = 'hex' | 'json';

/**
 * Bytes of a log on their way to a file: lines are put together here without making a string for any of them. All
 * that is put is ASCII. The caller keeps lines within the size it has asked room for.
 */
export class LogChunk {
  readonly bytes: Buffer;
  /** Bytes in use. */
  at = 0;
  /** Whole lines in use. */
  lines = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  get room(): number {
    return this.bytes.length - this.at;
  }

  clear(): void {
    this.at = 0;
    this.lines = 0;
  }

  /** Text of ours: printable ASCII. */
  text(text: string): void {
    const { bytes } = this;
    let { at } = this;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.at = at;
  }

  /** An integer, not negative. */
  integer(value: number): void {
    let digits = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
    let at = this.at + digits;
    this.at = at;
    for (let rest = value, left = digits; left > 0; left--) {
      const next = Math.floor(rest / 10);
      this.bytes[--at] = ZERO + (rest - next * 10);
      rest = next;
    }
  }

  /** Text of somebody else, its first `limit` characters; `...` tells that there was more. */
  foreignText(text: string, limit: number, escaping: Escaping): void {
    const end = Math.min(text.length, limit);
    for (let i = 0; i < end; i++) {
      const code = text.charCodeAt(i);
      if (IS_SAFE[code] === 1) this.bytes[this.at++] = code;
      else this.#escape(code, escaping);
    }
    if (end < text.length) this.text('...');
  }

  /** ISO-8859-1 bytes of somebody else; otherwise as `foreignText`. */
  foreignBytes(source: Uint8Array, start: number, end: number, limit: number, escaping: Escaping): void {
    const { bytes } = this;
    const stop = Math.min(end, start + limit);
    let { at } = this;
    for (let i = start; i < stop; i++) {
      const code = source[i] as number;
      if (IS_SAFE[code] === 1) {
        bytes[at++] = code;
        continue;
      }
      this.at = at;
      this.#escape(code, escaping);
      at = this.at;
    }
    this.at = at;
    if (stop < end) this.text('...');
  }

  #escape(code: number, escaping: Escaping): void {
    if (escaping === 'hex' && code < 0x100) this.text(`\\x${hex(code, 2)}`);
    else if (escaping === 'json' && (code === QUOTE || code === BACKSLASH)) {
      this.bytes[this.at++] = BACKSLASH;
      this.bytes[this.at++] = code;
    } else this.text(`\\u${hex(code, 4)}`);
  }
}

/** Most bytes that one character becomes. */
export const ESCAPED_BYTES = 6;

const ZERO = 0x30;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** 1 for what needs no escape in either form: printable ASCII except quote and backslash. */
const IS_SAFE = new Uint8Array(256);
for (let code = 0x20; code < 0x7f; code++) IS_SAFE[code] = code === QUOTE || code === BACKSLASH ? 0 : 1;

function hex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, '0');
}
