import { FIELD_VALUE, TOKEN } from '../http/byte-classes.js';
import type { RefusalReason } from './refusal.js';

/** What a parser says: done, more bytes needed, or refused (then `refusal` is set). */
export const Parsed = { COMPLETE: 0, INCOMPLETE: 1, REFUSED: 2 } as const;
export type Parsed = (typeof Parsed)[keyof typeof Parsed];

/** Longest field name; no honest one comes near. */
const MAX_NAME_BYTES = 256;

/**
 * Reads the field lines of a header or trailer section up to the empty line (RFC 9112 §5). One pass, no strings.
 *
 * Refuses what a lenient reader would repair: bare CR or LF (§2.2), obs-fold (§5.2), blanks before the colon (§5.1),
 * controls in values. Holds the state of the section read last; used again for the next one. `onField` sees every
 * field; the offsets it is given are valid in the buffer handed to `parseFields`.
 */
export abstract class FieldSectionParser {
  /** Behind the empty line after `COMPLETE`. */
  end = 0;
  /** Set after `REFUSED`. */
  refusal: RefusalReason = 'bad-header';

  private readonly maxFields: number;
  private readonly tooLarge: RefusalReason;

  constructor(maxFields: number, tooLarge: RefusalReason) {
    this.maxFields = maxFields;
    this.tooLarge = tooLarge;
  }

  /** One field. False: refused, with `refusal` set. */
  protected abstract onField(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): boolean;

  /** Reads from `start`. `length` is where the received bytes end, `limit` where the section has to have ended. */
  protected parseFields(bytes: Buffer, start: number, length: number, limit: number): Parsed {
    const end = Math.min(length, limit);
    let i = start;
    for (let count = 0; ; count++) {
      if (i >= end) return this.cut(length, limit);
      if (bytes[i] === CR) {
        if (i + 1 >= end) return this.cut(length, limit);
        if (bytes[i + 1] !== LF) return this.refuse('bad-header');
        this.end = i + 2;
        return Parsed.COMPLETE;
      }
      const nameStart = i;
      while (i < end && TOKEN[bytes[i] as number] === 1) i++;
      if (i - nameStart > MAX_NAME_BYTES) return this.refuse(this.tooLarge);
      if (i >= end) return this.cut(length, limit);
      if (bytes[i] !== COLON || i === nameStart) return this.refuse('bad-header');
      if (count >= this.maxFields) return this.refuse('too-many-headers');
      const nameEnd = i++;
      while (i < end && (bytes[i] === SP || bytes[i] === TAB)) i++;
      const valueStart = i;
      while (i < end && FIELD_VALUE[bytes[i] as number] === 1) i++;
      if (i >= end) return this.cut(length, limit);
      if (bytes[i] !== CR) return this.refuse('bad-header');
      if (i + 1 >= end) return this.cut(length, limit);
      if (bytes[i + 1] !== LF) return this.refuse('bad-header');
      let valueEnd = i;
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === TAB)) valueEnd--;
      i += 2;
      if (!this.onField(bytes, nameStart, nameEnd, valueStart, valueEnd)) return Parsed.REFUSED;
    }
  }

  protected refuse(reason: RefusalReason): Parsed {
    this.refusal = reason;
    return Parsed.REFUSED;
  }

  /** The bytes ran out: more of them may come, unless the limit is reached already. */
  protected cut(length: number, limit: number): Parsed {
    return length >= limit ? this.refuse(this.tooLarge) : Parsed.INCOMPLETE;
  }
}

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
