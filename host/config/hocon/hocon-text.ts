import type { HoconPlace } from './hocon-value.js';

/** Text that is not HOCON, or more than is read; `place` is where. The reader turns it into a problem of the file. */
export class HoconError extends Error {
  readonly place: HoconPlace;

  constructor(place: HoconPlace, message: string) {
    super(message);
    this.name = 'HoconError';
    this.place = place;
  }
}

/** Characters that end a text without quotes. */
const NOT_UNQUOTED = '$"{}[]:=,+#`^?!@*&\\';
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** A name of a file with code: what stands directly behind it and # is a function, and no comment. */
const MODULE_FILE = /\.[cm]?[jt]s$/;

/** A mistake so many lines behind a comment may come from it. */
const NEAR_LINES = 2;

/** A position in the text of one file, and what moves it. */
export class HoconText {
  at = 0;
  readonly #text: string;
  readonly #file: string;
  readonly #lineStarts: number[] = [0];
  /** Where a comment began directly behind a text without quotes: `shop.js#module` may have been meant as one. */
  #tightComment: number | undefined;

  constructor(text: string, file: string) {
    this.#text = text.startsWith('\uFEFF') ? text.slice(1) : text;
    this.#file = file;
    for (let at = this.#text.indexOf('\n'); at >= 0; at = this.#text.indexOf('\n', at + 1))
      this.#lineStarts.push(at + 1);
  }

  get isAtEnd(): boolean {
    return this.at >= this.#text.length;
  }

  /** The next character; `''` at the end. */
  get next(): string {
    return this.#text[this.at] ?? '';
  }

  place(at = this.at): HoconPlace {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] as number) <= at) low = middle;
      else high = middle - 1;
    }
    return { file: this.#file, line: low + 1, column: at - (this.#lineStarts[low] as number) + 1 };
  }

  fail(message: string, at = this.at): never {
    const place = this.place(at);
    const comment = this.#tightComment === undefined ? undefined : this.place(this.#tightComment);
    const isNear = comment !== undefined && place.line - comment.line <= NEAR_LINES;
    throw new HoconError(
      place,
      isNear
        ? `${message} (the # in line ${comment.line} begins a comment: put a text with # into quotes)`
        : message,
    );
  }

  startsWith(token: string): boolean {
    return this.#text.startsWith(token, this.at);
  }

  /** Steps over `token` if it comes next. */
  take(token: string): boolean {
    if (!this.startsWith(token)) return false;
    this.at += token.length;
    return true;
  }

  /** Blank space within a line; gives it. */
  takeSpace(): string {
    const from = this.at;
    while (!this.isAtEnd && this.next !== '\n' && isBlank(this.next)) this.at++;
    return this.#text.slice(from, this.at);
  }

  /** Blank space, line ends and comments. True when a line has ended. */
  skip(): boolean {
    let hasLineEnd = false;
    for (;;) {
      this.takeSpace();
      if (this.next === '\n') {
        hasLineEnd = true;
        this.at++;
      } else if (this.isComment()) this.#skipLine();
      else return hasLineEnd;
    }
  }

  isComment(): boolean {
    return this.next === '#' || this.startsWith('//');
  }

  /** Text without quotes up to the first character that cannot be in it; with `stopAtDot` also up to a dot. */
  takeUnquoted(stopAtDot: boolean): string {
    const from = this.at;
    while (!this.isAtEnd) {
      const { next } = this;
      if (NOT_UNQUOTED.includes(next) || isBlank(next) || next === '\n' || this.isComment()) break;
      if (stopAtDot && next === '.') break;
      this.at++;
    }
    const word = this.#text.slice(from, this.at);
    if (this.next === '#' && word !== '') {
      this.#tightComment = this.at;
      const behind = this.#text.slice(this.at + 1, this.at + 2);
      if (MODULE_FILE.test(word) && /[\p{L}_$]/u.test(behind))
        this.fail(`${word}# is cut here, for # begins a comment: put a text with # into quotes`);
    }
    return word;
  }

  /** A text in quotes, `"…"` as in JSON or `"""…"""` as it stands; the opening quote comes next. */
  takeQuoted(): string {
    const from = this.at;
    if (this.take('"""')) {
      let end = this.#text.indexOf('"""', this.at);
      if (end < 0) this.fail('this text in three quotes does not end', from);
      // Further quotes belong to the text: the last three end it.
      while (this.#text[end + 3] === '"') end++;
      const text = this.#text.slice(this.at, end);
      this.at = end + 3;
      return text;
    }
    this.at++;
    let text = '';
    for (;;) {
      const { next } = this;
      if (next === '' || next === '\n')
        this.fail('this text does not end in its line: close it with a quote', from);
      this.at++;
      if (next === '"') return text;
      text += next === '\\' ? this.#escape() : next;
    }
  }

  #escape(): string {
    const from = this.at - 1;
    const { next } = this;
    this.at++;
    if (next === 'u') {
      const digits = this.#text.slice(this.at, this.at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail('after \\u come four hexadecimal digits', from);
      this.at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    return Object.hasOwn(ESCAPES, next)
      ? (ESCAPES[next] as string)
      : this.fail(`${JSON.stringify(`\\${next}`)} is no escape: write \\\\ for a backslash`, from);
  }

  #skipLine(): void {
    const end = this.#text.indexOf('\n', this.at);
    this.at = end < 0 ? this.#text.length : end;
  }
}

/** HOCON counts all blank space of Unicode, and the byte order mark. */
function isBlank(character: string): boolean {
  return character.trim() === '';
}
