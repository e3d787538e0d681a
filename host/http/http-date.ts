import { currentSecondMs } from './current-second.js';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

let textMs = -1;
let currentText = '';

/** A time in milliseconds since the epoch as IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7). */
export function httpDate(epochMs: number): string {
  const date = new Date(epochMs);
  const day = DAYS[date.getUTCDay()] as string;
  const month = MONTHS[date.getUTCMonth()] as string;
  const year = String(date.getUTCFullYear()).padStart(4, '0');
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day}, ${two(date.getUTCDate())} ${month} ${year} ${time} GMT`;
}

/** The date of now; the same string object for a whole second. */
export function currentHttpDate(): string {
  const secondMs = currentSecondMs();
  if (secondMs !== textMs) {
    textMs = secondMs;
    currentText = httpDate(secondMs);
  }
  return currentText;
}

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}
