const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** With dashes as well, which some servers write. */
const TIME = /(?<!\d)(\d{1,2})([:-])(\d{1,2})\2(\d{1,2})(?!\d)/;
const DELIMITERS = /[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+/;

/**
 * The date of a cookie, whatever the order of its parts (RFC 6265 §5.1.1), in milliseconds since the epoch. Undefined
 * when a part is missing or out of its range, or the day does not exist.
 */
export function parseCookieDate(text: string): number | undefined {
  const time = TIME.exec(text);
  if (time === null) return undefined;
  const [hour, minute, second] = [Number(time[1]), Number(time[3]), Number(time[4])];
  const rest = `${text.slice(0, time.index)} ${text.slice(time.index + time[0].length)}`;
  let day: number | undefined;
  let month: number | undefined;
  let year: number | undefined;
  for (const token of rest.split(DELIMITERS)) {
    if (day === undefined && /^\d{1,2}$/.test(token)) day = Number(token);
    else if (month === undefined && MONTHS.includes(token.slice(0, 3).toLowerCase()))
      month = MONTHS.indexOf(token.slice(0, 3).toLowerCase());
    else if (year === undefined && /^\d{2,4}$/.test(token)) year = fullYear(Number(token));
  }
  if (day === undefined || month === undefined || year === undefined || year < 1601) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const epochMs = Date.UTC(year, month, day, hour, minute, second);
  // A day that the month does not have would be one of the next month.
  return new Date(epochMs).getUTCDate() === day ? epochMs : undefined;
}

function fullYear(year: number): number {
  if (year >= 70 && year <= 99) return 1900 + year;
  return year <= 69 ? 2000 + year : year;
}
