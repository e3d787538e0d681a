import { isToken } from './byte-classes.js';

/** One item of a field that is a list of values with parameters, such as Accept or Cache-Control. */
export interface HeaderValue {
  /** Text before the first `;`, trimmed, in the case it was sent. */
  readonly value: string;
  /** In the order sent, names in the case sent, values without quotes; a name without `=` has the value `''`. */
  readonly parameters: readonly HeaderParameter[];
  /** Parameter `q` from 0 to 1; 1 when it is missing or no such number (RFC 9110 §12.4.2). */
  readonly quality: number;
}

export type HeaderParameter = readonly [name: string, value: string];

/**
 * Parses a comma-separated list of values with parameters. Never fails: what is not well-formed is taken as text, a
 * quote that does not end included. With `parametersOnly` items have no value and begin with their parameters, as in
 * `k=v;k2=v2`. Undefined and `''` are no items.
 */
export function parseHeaderValues(
  text: string | undefined,
  options?: { readonly parametersOnly?: boolean },
): readonly HeaderValue[] {
  const items: HeaderValue[] = [];
  if (text === undefined) return items;
  const parametersOnly = options?.parametersOnly === true;
  const scan: Scan = { text, at: 0 };
  while (scan.at < text.length) {
    const item = parseItem(scan, parametersOnly);
    // RFC 9110 §5.6.1.2: empty elements of a list count for nothing.
    if (item.value !== '' || item.parameters.length > 0) items.push(item);
  }
  return items;
}

/** Value of the first parameter of a name, without regard to case. */
export function parameterOf(
  item: { readonly parameters: readonly HeaderParameter[] },
  name: string,
): string | undefined {
  const lower = name.toLowerCase();
  return item.parameters.find(([own]) => own.toLowerCase() === lower)?.[1];
}

/** Best quality first; equal ones stay in the order sent. For Accept-Charset, -Encoding and -Language. */
export function parseByQuality(text: string | undefined): readonly HeaderValue[] {
  return [...parseHeaderValues(text)].sort((a, b) => b.quality - a.quality);
}

/**
 * A parameter value as it is written into a field: as it is when it is a token or quoted already, otherwise quoted
 * (RFC 9110 §5.6.4). Line ends and tabs are written as `\n`, `\r`, `\t`, so that a value never leaves its line.
 */
export function quoteParameter(value: string): string {
  if (isToken(value) || isQuoted(value)) return value;
  return `"${value.replace(/["\\\n\r\t]/g, (character) => `\\${CONTROLS[character] ?? character}`)}"`;
}

interface Scan {
  readonly text: string;
  at: number;
}

const CONTROLS: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't' };

/** From the current place to behind the next comma that is not in a quoted parameter. */
function parseItem(scan: Scan, parametersOnly: boolean): HeaderValue {
  const { text, at: start } = scan;
  const parameters: HeaderParameter[] = [];
  let valueEnd = parametersOnly ? start : undefined;
  if (parametersOnly && text[scan.at] !== ',') parseParameter(scan, parameters);
  while (scan.at < text.length && text[scan.at] !== ',') {
    if (text[scan.at] === ';') {
      valueEnd ??= scan.at;
      scan.at++;
      parseParameter(scan, parameters);
    } else scan.at++;
  }
  const value = text.slice(start, valueEnd ?? scan.at).trim();
  scan.at++;
  return { value, parameters, quality: qualityOf(parameters) };
}

/** Reads `name` or `name=value` up to `;`, `,` or the end. One without a name counts for nothing. */
function parseParameter(scan: Scan, parameters: HeaderParameter[]): void {
  const { text, at: start } = scan;
  while (scan.at < text.length && !isAny(text, scan.at, '=;,')) scan.at++;
  const name = text.slice(start, scan.at).trim();
  let value = '';
  if (text[scan.at] === '=') {
    scan.at++;
    value = parseParameterValue(scan);
  }
  if (name !== '') parameters.push([name, value]);
}

function parseParameterValue(scan: Scan): string {
  const { text } = scan;
  while (text[scan.at] === ' ') scan.at++;
  if (text[scan.at] === '"') return parseQuoted(scan);
  const start = scan.at;
  while (scan.at < text.length && !isAny(text, scan.at, ';,')) scan.at++;
  return text.slice(start, scan.at).trim();
}

/** A quote ends only before `;`, `,` or the end; without such an end the opening quote is part of the value. */
function parseQuoted(scan: Scan): string {
  const { text } = scan;
  let value = '';
  for (scan.at++; scan.at < text.length; scan.at++) {
    const character = text[scan.at] as string;
    if (character === '"' && isEndOfParameter(text, scan.at + 1)) {
      scan.at++;
      return value;
    }
    const isEscape = character === '\\' && scan.at < text.length - 1;
    value += isEscape ? (text[++scan.at] as string) : character;
  }
  return `"${value}`;
}

function isEndOfParameter(text: string, from: number): boolean {
  let at = from;
  while (text[at] === ' ') at++;
  return at >= text.length || isAny(text, at, ';,');
}

function isAny(text: string, at: number, characters: string): boolean {
  return characters.includes(text[at] as string);
}

function qualityOf(parameters: readonly HeaderParameter[]): number {
  for (const [name, value] of parameters) {
    if (name !== 'q' && name !== 'Q') continue;
    const quality = value === '' ? Number.NaN : Number(value);
    return quality >= 0 && quality <= 1 ? quality : 1;
  }
  return 1;
}

/** Begins and ends with a quote, and every quote between them is escaped. */
function isQuoted(value: string): boolean {
  return /^"(?:[^"\\]|\\.)*"$/s.test(value);
}
