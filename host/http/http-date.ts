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

/**
 * The time of a date field in milliseconds since the epoch, of any of the three forms that RFC 9110 §5.6.7 has;
 * undefined for everything else, which recipients are to ignore.
 */
export function parseHttpDate(text: string): number | undefined {
  const form = FORMS.find((one) => one.test(text));
  if (form === undefined) return undefined;
  // The asctime form is in UTC without saying so.
  const epochMs = Date.parse(form === ASCTIME ? `${text} GMT` : text);
  return Number.isNaN(epochMs) ? undefined : epochMs;
}

const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC_850 = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;
const FORMS = [IMF_FIXDATE, RFC_850, ASCTIME];

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
