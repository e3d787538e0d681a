/** Field names and values as they go into a header block. */
export type TestField = readonly [name: string, value: string];

/** A header block of literals that are never indexed (RFC 7541 §6.2.3), no Huffman: whatever the names and values are. */
export function headerBlock(fields: readonly TestField[]): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => Buffer.concat([NEVER_INDEXED, text(name), text(value)])),
  );
}

/** A literal that enters the dynamic table (RFC 7541 §6.2.1). */
export function indexedLiteral([name, value]: TestField): Buffer {
  return Buffer.concat([Buffer.from([0x40]), text(name), text(value)]);
}

/** An integer behind a prefix of `bits` bits (RFC 7541 §5.1). */
export function integer(value: number, bits: number, first = 0): Buffer {
  const max = 2 ** bits - 1;
  if (value < max) return Buffer.from([first | value]);
  const bytes = [first | max];
  let rest = value - max;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** `:status` of a response: the first field of its header block, sent without a dynamic table. */
export function statusOf(block: Buffer): number {
  let at = 0;
  // RFC 7541 §6.3: updates of the table's size stand first.
  while (((block[at] ?? 0) & 0xe0) === 0x20) at++;
  const first = block[at] ?? 0;
  if (first & 0x80) return STATIC_STATUS[first & 0x7f] ?? 0;
  const length = block[at + 1] ?? 0;
  const bytes = block.subarray(at + 2, at + 2 + (length & 0x7f));
  return Number(length & 0x80 ? huffmanDigits(bytes) : bytes.toString('latin1'));
}

const NEVER_INDEXED = Buffer.from([0x10]);

/** RFC 7541 appendix A. */
const STATIC_STATUS: Readonly<Record<number, number>> = {
  8: 200,
  9: 204,
  10: 206,
  11: 304,
  12: 400,
  13: 404,
  14: 500,
};

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([integer(bytes.length, 7), bytes]);
}

/** RFC 7541 appendix B, digits only: 0 to 2 have five bits, the others six. */
function huffmanDigits(bytes: Buffer): string {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  let digits = '';
  for (let at = 0; at + 5 <= bits.length; ) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2);
    const six = Number.parseInt(bits.slice(at, at + 6), 2);
    if (five <= 2) {
      digits += five;
      at += 5;
    } else if (six >= 25 && six <= 31) {
      digits += six - 22;
      at += 6;
    } else {
      break;
    }
  }
  return digits;
}
