import fresh from 'fresh';
import type { FieldBlock } from '../../http/field-block.js';

/** What tells one version of a file from another. */
export interface Validators {
  /** Weak: made of size and time of change. */
  readonly etag: string;
  /** HTTP date. */
  readonly lastModified: string;
}

/** What to send of a file: all of it, a part, or none for one of these statuses. */
export type Selection =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'none'; readonly status: 304 | 412 | 416 };

/** Evaluates the conditions of a GET or HEAD in the order of RFC 9110 §13.2.2, then its range. */
export function select(fields: FieldBlock, method: string, size: number, validators: Validators): Selection {
  if (!preconditionsHold(fields, validators)) return { kind: 'none', status: 412 };
  if (isFresh(fields, validators)) return { kind: 'none', status: 304 };
  // Range has a meaning for GET only (RFC 9110 §14.2).
  const range = method === 'GET' ? fields.get('range') : undefined;
  if (range === undefined || !mayResume(fields, validators)) return WHOLE;
  return selectRange(range, size);
}

const WHOLE: Selection = { kind: 'whole' };
/** Ranges of one request that are looked at; a request for more gets the whole file (RFC 9110 §14.2 allows it). */
const MAX_RANGES = 16;

function preconditionsHold(fields: FieldBlock, validators: Validators): boolean {
  const match = fields.get('if-match');
  // Our tags are weak, and If-Match compares strongly (RFC 9110 §13.1.1): only `*` can hold.
  if (match !== undefined) return match.trim() === '*';
  const unmodified = dateOf(fields.get('if-unmodified-since'));
  return unmodified === undefined || Date.parse(validators.lastModified) <= unmodified;
}

function isFresh(fields: FieldBlock, validators: Validators): boolean {
  const noneMatch = fields.get('if-none-match');
  const modifiedSince = fields.get('if-modified-since');
  if (noneMatch === undefined && modifiedSince === undefined) return false;
  return fresh(
    { 'if-none-match': noneMatch, 'if-modified-since': modifiedSince },
    { etag: validators.etag, 'last-modified': validators.lastModified },
  );
}

/** If-Range holds: the client continues the file it began with. A weak tag never does (RFC 9110 §13.1.5). */
function mayResume(fields: FieldBlock, validators: Validators): boolean {
  const ifRange = fields.get('if-range');
  return ifRange === undefined || ifRange === validators.lastModified;
}

/**
 * One range, or several that together are one, is sent as a part. Several apart get the whole file: `multipart/byteranges`
 * saves nobody anything. Malformed ranges are ignored (RFC 9110 §14.2), unsatisfiable ones are 416.
 */
function selectRange(header: string, size: number): Selection {
  const equals = header.indexOf('=');
  const specs = header.slice(equals + 1).split(',', MAX_RANGES + 1);
  if (header.slice(0, equals).toLowerCase() !== 'bytes' || specs.length > MAX_RANGES) return WHOLE;
  const ranges: { start: number; end: number }[] = [];
  for (const spec of specs) {
    const [, first, last] = /^[ \t]*(\d*)-(\d*)[ \t]*$/.exec(spec) ?? [];
    if (first === undefined || last === undefined || first + last === '') return WHOLE;
    // `-5` is the last five bytes, all of a shorter file (RFC 9110 §14.1.2).
    const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
    const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
    if (first !== '' && last !== '' && Number(last) < start) return WHOLE;
    if (start <= end) ranges.push({ start, end });
  }
  ranges.sort((a, b) => a.start - b.start);
  const whole = ranges[0];
  if (whole === undefined) return { kind: 'none', status: 416 };
  for (const range of ranges) {
    if (range.start > whole.end + 1) return WHOLE;
    whole.end = Math.max(whole.end, range.end);
  }
  return { kind: 'part', start: whole.start, end: whole.end };
}

function dateOf(value: string | undefined): number | undefined {
  const time = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}
