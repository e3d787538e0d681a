/** A range as a request names it (RFC 9110 §14.1.1): from a place, from one to another, or the last bytes. */
export type RangeSpec =
  | { readonly from: number; readonly to?: number | undefined }
  | { readonly suffix: number };

/** First and last byte of a range that exists, both included. */
export type ByteRange = readonly [first: number, last: number];

/** The ranges of a Range field; undefined when it is not well-formed or of another unit, and is to be ignored. */
export function parseRanges(header: string): readonly RangeSpec[] | undefined {
  const equals = header.indexOf('=');
  if (equals < 0 || header.slice(0, equals).trim().toLowerCase() !== 'bytes') return undefined;
  const ranges: RangeSpec[] = [];
  for (const text of header.slice(equals + 1).split(',')) {
    const match = /^[ \t]*(\d*)-(\d*)[ \t]*$/.exec(text);
    const [, first = '', last = ''] = match ?? [];
    if (match === null || (first === '' && last === '')) return undefined;
    if (first === '') ranges.push({ suffix: Number(last) });
    else if (last === '') ranges.push({ from: Number(first) });
    else if (Number(last) >= Number(first)) ranges.push({ from: Number(first), to: Number(last) });
    else return undefined;
  }
  return ranges;
}

/** The ranges that exist in `length` bytes, cut to them; those beyond are left out. */
export function resolveRanges(specs: readonly RangeSpec[], length: number): readonly ByteRange[] {
  return specs.flatMap((spec): readonly ByteRange[] => {
    const first = 'suffix' in spec ? Math.max(0, length - spec.suffix) : spec.from;
    const last = 'suffix' in spec ? length - 1 : Math.min(spec.to ?? length - 1, length - 1);
    return first > last ? [] : [[first, last]];
  });
}

/** Ranges that overlap or touch as one, in the place of the first of them. */
export function mergeRanges(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const sorted = ranges.map((range, place) => ({ range, place })).sort((a, b) => a.range[0] - b.range[0]);
  const merged: { range: ByteRange; place: number }[] = [];
  for (const { range, place } of sorted) {
    const before = merged.at(-1);
    if (before === undefined || range[0] > before.range[1] + 1) merged.push({ range, place });
    else {
      before.range = [before.range[0], Math.max(before.range[1], range[1])];
      before.place = Math.min(before.place, place);
    }
  }
  return merged.sort((a, b) => a.place - b.place).map(({ range }) => range);
}

/** From the first byte of all to the last. */
export function spanOf(ranges: readonly ByteRange[]): ByteRange {
  return [Math.min(...ranges.map(([first]) => first)), Math.max(...ranges.map(([, last]) => last))];
}

/** Value of Content-Range (RFC 9110 §14.4); `*` for what is not known. */
export function contentRange(range: ByteRange | undefined, length: number | undefined): string {
  return `bytes ${range === undefined ? '*' : `${range[0]}-${range[1]}`}/${length ?? '*'}`;
}
