/**
 * Splits the lines of a list field at its commas, those in quotes excepted: `private="a,b", no-store` are two values.
 * Values are trimmed; empty ones are left out (RFC 9110 §5.6.1.2).
 */
export function splitHeaderValues(lines: string | readonly string[]): readonly string[] {
  const values: string[] = [];
  for (const line of typeof lines === 'string' ? [lines] : lines) {
    let start = 0;
    let isQuoted = false;
    for (let at = 0; at <= line.length; at++) {
      const character = line[at];
      if (character === '\\' && isQuoted) at++;
      else if (character === '"') isQuoted = !isQuoted;
      if (at < line.length && (character !== ',' || isQuoted)) continue;
      const value = line.slice(start, at).trim();
      if (value !== '') values.push(value);
      start = at + 1;
    }
  }
  return values;
}

/**
 * Splits Set-Cookie fields that something joined with commas (RFC 9110 §5.3 tells not to). A comma separates cookies
 * only where a name and `=` follow before the next `;` or `,`, so the commas of dates stay.
 */
export function splitSetCookies(text: string): readonly string[] {
  const cookies: string[] = [];
  let start = 0;
  for (let comma = text.indexOf(','); comma >= 0; comma = text.indexOf(',', comma + 1)) {
    if (!NAME_AND_EQUALS.test(text.slice(comma + 1, comma + 1 + LONGEST_NAME))) continue;
    cookies.push(text.slice(start, comma).trim());
    start = comma + 1;
  }
  cookies.push(text.slice(start).trim());
  return cookies;
}

const NAME_AND_EQUALS = /^ *[^;,=\s]+ *=/;
const LONGEST_NAME = 256;
