import { leaf, show } from './setting-types.js';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of something that lasts days: `30d`, `12h`. No timer can run so long; for calendars, not for timeouts. */
export function longDuration(bounds: { readonly minMs: number; readonly maxDays: number }) {
  return leaf<number>((value, fail) => {
    const [, digits, unit = ''] = typeof value === 'string' ? (/^(\d{1,9})([smhd])$/.exec(value) ?? []) : [];
    if (digits === undefined)
      return fail(
        `${show(value)} is no duration: write a whole number with s, m, h or d, such as 12h or 30d`,
      );
    const ms = Number(digits) * (UNITS[unit] ?? 0);
    if (ms >= bounds.minMs && ms <= bounds.maxDays * 86_400_000) return ms;
    return fail(`${show(value)} is out of bounds: from ${bounds.minMs / 1000}s to ${bounds.maxDays}d`);
  });
}
