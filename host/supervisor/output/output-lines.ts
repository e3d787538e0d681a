import { StringDecoder } from 'node:string_decoder';

/** A line longer than this is passed on in pieces, so that output without line ends costs no memory. */
export const MAX_LINE_LENGTH = 16 * 1024;

/** Cuts a byte stream into lines. */
export class OutputLines {
  readonly #decoder = new StringDecoder('utf8');
  readonly #line: (line: string) => void;
  #rest = '';

  constructor(line: (line: string) => void) {
    this.#line = line;
  }

  push(chunk: Buffer): void {
    const text = this.#rest + this.#decoder.write(chunk);
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#emit(text.slice(start, text[end - 1] === '\r' && end > start ? end - 1 : end));
      start = end + 1;
    }
    this.#rest = text.slice(start);
    while (this.#rest.length > MAX_LINE_LENGTH) {
      this.#line(this.#rest.slice(0, MAX_LINE_LENGTH));
      this.#rest = this.#rest.slice(MAX_LINE_LENGTH);
    }
  }

  /** The stream has ended; what is left is a line too. */
  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (rest !== '') this.#emit(rest);
  }

  #emit(line: string): void {
    if (line.length <= MAX_LINE_LENGTH) {
      this.#line(line);
      return;
    }
    for (let start = 0; start < line.length; start += MAX_LINE_LENGTH) {
      this.#line(line.slice(start, start + MAX_LINE_LENGTH));
    }
  }
}
