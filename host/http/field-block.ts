/**
 * A header or trailer section as the bytes it arrived in, with the place of each field.
 *
 * The connector and the exchange protocol both produce it without making a string for any field; a string is made
 * when somebody asks for one. Names keep the case they were sent in and are compared without regard to case
 * (RFC 9110 §5.1). Values are ISO-8859-1 (RFC 9110 §5.5), already trimmed. Immutable.
 */
export class FieldBlock {
  static readonly EMPTY = new FieldBlock(Buffer.alloc(0), []);

  /** The bytes that `offsets` point into. May hold more than the fields. */
  readonly bytes: Buffer;
  /** Four numbers a field: start of name, end of name, start of value, end of value. */
  readonly offsets: readonly number[];

  constructor(bytes: Buffer, offsets: readonly number[]) {
    this.bytes = bytes;
    this.offsets = offsets;
  }

  /** Builds a block from `name, value, name, value, …`. The caller has validated names and values. */
  static of(flat: readonly string[]): FieldBlock {
    const offsets: number[] = [];
    let text = '';
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const name = flat[i] as string;
      const value = flat[i + 1] as string;
      offsets.push(
        text.length,
        text.length + name.length,
        text.length + name.length,
        text.length + name.length + value.length,
      );
      text += name + value;
    }
    return new FieldBlock(Buffer.from(text, 'latin1'), offsets);
  }

  get count(): number {
    return this.offsets.length >> 2;
  }

  /** Value of the first field of this name, or undefined. `lowerName` is in lower case. */
  get(lowerName: string): string | undefined {
    const index = this.indexOf(lowerName, 0);
    return index < 0 ? undefined : this.valueAt(index);
  }

  /** Values of all fields of this name, in the order received. `lowerName` is in lower case. */
  all(lowerName: string): string[] {
    const values: string[] = [];
    for (let i = this.indexOf(lowerName, 0); i >= 0; i = this.indexOf(lowerName, i + 1))
      values.push(this.valueAt(i));
    return values;
  }

  has(lowerName: string): boolean {
    return this.indexOf(lowerName, 0) >= 0;
  }

  /** Index of the next field of this name at or behind `from`, or -1. `lowerName` is in lower case. */
  indexOf(lowerName: string, from: number): number {
    const { bytes, offsets } = this;
    const length = lowerName.length;
    for (let i = from, o = from << 2; o < offsets.length; i++, o += 4) {
      const start = offsets[o] as number;
      if ((offsets[o + 1] as number) - start !== length) continue;
      let j = 0;
      while (j < length) {
        const byte = bytes[start + j] as number;
        const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
        if (lower !== lowerName.charCodeAt(j)) break;
        j++;
      }
      if (j === length) return i;
    }
    return -1;
  }

  /** Name of field `index` as it was sent. */
  nameAt(index: number): string {
    const o = index << 2;
    return this.bytes.toString('latin1', this.offsets[o], this.offsets[o + 1]);
  }

  /** Value of field `index`. */
  valueAt(index: number): string {
    const o = index << 2;
    return this.bytes.toString('latin1', this.offsets[o + 2], this.offsets[o + 3]);
  }

  /** `[name, value, name, value, …]`, as `http.IncomingMessage.rawHeaders` has it. */
  flat(): string[] {
    const flat: string[] = [];
    for (let i = 0; i < this.count; i++) flat.push(this.nameAt(i), this.valueAt(i));
    return flat;
  }
}

/** Fields on their way out: a block that came over the wire, or `[name, value, name, value, …]` of an application. */
export type Fields = FieldBlock | readonly string[];
