import { PorticoError } from './errors.js';

/**
 * Durations and sizes as people write them in configuration: a whole number and a unit, `30s`, `10MiB`. A number
 * without a unit is refused, because nobody can tell whether 30 means seconds or milliseconds; `0` needs none.
 * Decimal sizes (`MB`) are refused as well: half of all people mean 1000 by it and the other half 1024.
 */

/** What `parseDuration` accepts, for error messages and the reference. */
export const DURATION_FORM = 'a whole number with ms, s, m or h, such as 500ms, 30s, 2m, 1h';
/** What `parseSize` accepts. */
const SIZE_FORM = 'a whole number with B, KiB, MiB or GiB, such as 512B, 64KiB, 10MiB, 1GiB';

/** Longest duration: what a timer of Node can wait, 2^31-1 ms (about 24 days). */
export const MAX_DURATION_MS = 2_147_483_647;

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** What people write instead, in lower case, and the unit they mean. */
const DURATION_HINTS: Readonly<Record<string, string>> = {
  '': 's',
  msec: 'ms',
  millis: 'ms',
  milliseconds: 'ms',
  sec: 's',
  secs: 's',
  second: 's',
  seconds: 's',
  min: 'm',
  mins: 'm',
  minute: 'm',
  minutes: 'm',
  hr: 'h',
  hour: 'h',
  hours: 'h',
};
const SIZE_HINTS: Readonly<Record<string, string>> = {
  '': 'B',
  byte: 'B',
  bytes: 'B',
  k: 'KiB',
  kb: 'KiB',
  kib: 'KiB',
  m: 'MiB',
  mb: 'MiB',
  mib: 'MiB',
  g: 'GiB',
  gb: 'GiB',
  gib: 'GiB',
};

/** A value with a unit that cannot be taken; `suggestion` is a spelling that can. Code `PORTICO_UNIT_INVALID`. */
export class UnitError extends PorticoError {
  readonly suggestion: string | undefined;

  constructor(message: string, suggestion: string | undefined) {
    super('PORTICO_UNIT_INVALID', message);
    this.name = 'UnitError';
    this.suggestion = suggestion;
  }
}

/** `30s` → 30000. Throws UnitError. */
export function parseDuration(value: unknown): number {
  return parse(value, DURATION_UNITS, DURATION_HINTS, 'duration', DURATION_FORM, MAX_DURATION_MS);
}

/** `10MiB` → 10485760. Throws UnitError. */
export function parseSize(value: unknown): number {
  return parse(value, SIZE_UNITS, SIZE_HINTS, 'size', SIZE_FORM, Number.MAX_SAFE_INTEGER);
}

/** 90000 → `90s`: the largest unit that needs no fraction. */
export function formatDuration(ms: number): string {
  return format(ms, DURATION_UNITS, 'ms');
}

/** 10485760 → `10MiB`: the largest unit that needs no fraction. */
export function formatSize(bytes: number): string {
  return format(bytes, SIZE_UNITS, 'B');
}

function parse(
  value: unknown,
  units: Readonly<Record<string, number>>,
  hints: Readonly<Record<string, string>>,
  what: string,
  form: string,
  max: number,
): number {
  if (value === 0 || value === '0') return 0;
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : undefined;
  const match = text === undefined ? null : /^(\d{1,16})\s*([A-Za-z]*)$/.exec(text);
  if (text === undefined || match === null) {
    throw new UnitError(`${quote(value)} is not a ${what}: write ${form}`, undefined);
  }
  const [, digits = '', unit = ''] = match;
  const factor = Object.hasOwn(units, unit) && text === digits + unit ? units[unit] : undefined;
  if (factor === undefined) {
    const key = unit.toLowerCase();
    const meant = Object.hasOwn(units, unit) ? unit : Object.hasOwn(hints, key) ? hints[key] : undefined;
    const wrong = unit === '' ? 'has no unit' : `is not a ${what}`;
    throw new UnitError(`${quote(value)} ${wrong}: write ${form}`, meant && digits + meant);
  }
  const result = Number(digits) * factor;
  if (result > max)
    throw new UnitError(
      `${quote(value)} is too large: at most ${format(max, units, Object.keys(units)[0] ?? '')}`,
      undefined,
    );
  return result;
}

function format(value: number, units: Readonly<Record<string, number>>, smallest: string): string {
  let best = `${value}${smallest}`;
  for (const [unit, factor] of Object.entries(units)) {
    if (value !== 0 && value % factor === 0) best = `${value / factor}${unit}`;
  }
  return best;
}

function quote(value: unknown): string {
  if (value === null || value === undefined) return 'an empty value';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a section';
  const text = String(value);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
