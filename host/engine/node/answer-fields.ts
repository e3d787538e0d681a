import { asksToClose } from '../../connector/connection-tokens.js';
import { isFieldValue, isToken } from '../../http/byte-classes.js';
import { FieldBlock, type Fields } from '../../http/field-block.js';
import { ENGINE_FIELDS, readContentLength } from './node-response-fields.js';

/**
 * Joins the fields of an answer to lines and checks each of them on the way, once (RFC 9110 §5.5). Fields of framing and
 * of the connection are taken out; the engine writes its own. What it learned is in the properties until the next call.
 */
export class AnswerFields {
  /** `Name: value` with CRLF, for each field. */
  lines = '';
  /** Content-Length among the fields, -1 without one. */
  contentLength = -1;
  hasDate = false;
  /** `Connection: close` was among them. */
  asksClose = false;

  /** Undefined when all is well; otherwise what is wrong, for the log. */
  read(fields: Fields): string | undefined {
    const all = fields instanceof FieldBlock ? fields.flat() : fields;
    let lines = '';
    this.contentLength = -1;
    this.hasDate = this.asksClose = false;
    for (let i = 0; i + 1 < all.length; i += 2) {
      const name = all[i] as string;
      const value = all[i + 1] as string;
      const kind = KINDS.get(name) ?? learnKind(name);
      if (kind === ILLEGAL) return `${JSON.stringify(name)} is no name of a field`;
      if (typeof value !== 'string' || !isFieldValue(value))
        return `${name} has the illegal value ${JSON.stringify(value)}`;
      if (kind !== KEPT && !this.#keeps(kind, value)) {
        if (this.contentLength < -1) return 'its Content-Length is no length';
        continue;
      }
      lines += `${name}: ${value}\r\n`;
    }
    this.lines = lines;
    return undefined;
  }

  #keeps(kind: string, value: string): boolean {
    switch (kind) {
      case 'date':
        this.hasDate = true;
        return true;
      case 'content-length':
        // RFC 9110 §8.6: one, of digits only.
        this.contentLength = this.contentLength >= 0 ? BAD_LENGTH : (readContentLength(value) ?? BAD_LENGTH);
        return false;
      case 'connection':
        this.asksClose ||= asksToClose(value);
        return false;
      default:
        return false;
    }
  }
}

const BAD_LENGTH = -2;
const KEPT = '';
const ILLEGAL = '(illegal)';
/** Names that the engine looks at, or leaves out since they belong to the connection. */
const SPECIAL: ReadonlySet<string> = new Set(['date', ...ENGINE_FIELDS]);

/** What is known of names by now; a program uses a few dozen. */
const KINDS = new Map<string, string>();
const MAX_KINDS = 1000;
const MAX_NAME_LENGTH = 64;

function learnKind(name: string): string {
  if (typeof name !== 'string' || !isToken(name)) return ILLEGAL;
  const lower = name.toLowerCase();
  const kind = SPECIAL.has(lower) ? lower : KEPT;
  if (KINDS.size < MAX_KINDS && name.length <= MAX_NAME_LENGTH) KINDS.set(name, kind);
  return kind;
}
