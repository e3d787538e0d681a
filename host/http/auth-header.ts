import { TOKEN } from './byte-classes.js';

/** Credentials or a challenge: a scheme with one opaque text, or with parameters (RFC 9110 §11.3, §11.4). */
export type AuthHeader =
  | { readonly kind: 'blob'; readonly scheme: string; readonly blob: string }
  | {
      readonly kind: 'parameterized';
      readonly scheme: string;
      readonly parameters: readonly (readonly [name: string, value: string])[];
    };

/** Reads a field Authorization, or a single challenge; undefined when it is malformed. */
export function parseAuthHeader(text: string): AuthHeader | undefined {
  const all = parseChallenges(text);
  return all?.length === 1 ? all[0] : undefined;
}

/** Reads a field WWW-Authenticate, which may hold several challenges; undefined when it is malformed. */
export function parseChallenges(text: string): readonly AuthHeader[] | undefined {
  const scan: Scan = { text, at: 0 };
  const challenges: AuthHeader[] = [];
  skip(scan, ' \t,');
  while (scan.at < text.length) {
    const challenge = parseChallenge(scan);
    if (challenge === undefined) return undefined;
    challenges.push(challenge);
    skip(scan, ' \t,');
  }
  return challenges;
}

/** A challenge as it is written: `Basic realm="shop", charset="UTF-8"`. Values are always quoted (RFC 9110 §11.6.1). */
export function renderChallenge(scheme: string, parameters: Readonly<Record<string, string>> = {}): string {
  const written = Object.entries(parameters).map(
    ([name, value]) => `${name}="${value.replace(/["\\]/g, (character) => `\\${character}`)}"`,
  );
  return written.length === 0 ? scheme : `${scheme} ${written.join(', ')}`;
}

interface Scan {
  readonly text: string;
  at: number;
}

const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;

/** From a scheme to the comma in front of the next one, or to the end. */
function parseChallenge(scan: Scan): AuthHeader | undefined {
  const scheme = token(scan);
  if (scheme === '') return undefined;
  const hasSpace = skip(scan, ' \t');
  if (!hasSpace && !isAtEndOfElement(scan)) return undefined;
  TOKEN68.lastIndex = scan.at;
  const [blob] = TOKEN68.exec(scan.text) ?? [];
  if (blob !== undefined) {
    scan.at += blob.length;
    skip(scan, ' \t');
    return { kind: 'blob', scheme, blob };
  }
  const parameters: (readonly [string, string])[] = [];
  while (isParameter(scan)) {
    const parameter = parseParameter(scan);
    if (parameter === undefined || !isAtEndOfElement(scan)) return undefined;
    parameters.push(parameter);
    // Empty elements, as in `a=1,,b=2`, count for nothing (RFC 9110 §5.6.1.2).
    skip(scan, ' \t,');
  }
  const isComplete = parameters.length > 0 || isAtEndOfElement(scan);
  return isComplete ? { kind: 'parameterized', scheme, parameters } : undefined;
}

function parseParameter(scan: Scan): readonly [name: string, value: string] | undefined {
  const name = token(scan);
  skip(scan, ' \t');
  scan.at++;
  skip(scan, ' \t');
  const isQuoted = scan.text[scan.at] === '"';
  const value = isQuoted ? quoted(scan) : token(scan);
  skip(scan, ' \t');
  return value === undefined || (value === '' && !isQuoted) ? undefined : [name, value];
}

/** Is a name with `=` next, and not a scheme? */
function isParameter({ text, at }: Scan): boolean {
  let end = at;
  while (TOKEN[text.charCodeAt(end)] === 1) end++;
  if (end === at) return false;
  while (text[end] === ' ' || text[end] === '\t') end++;
  return text[end] === '=';
}

function isAtEndOfElement({ text, at }: Scan): boolean {
  return at >= text.length || text[at] === ',';
}

function token(scan: Scan): string {
  const start = scan.at;
  while (TOKEN[scan.text.charCodeAt(scan.at)] === 1) scan.at++;
  return scan.text.slice(start, scan.at);
}

/** The content of a quoted string; undefined when it does not end. */
function quoted(scan: Scan): string | undefined {
  let value = '';
  for (scan.at++; scan.at < scan.text.length; scan.at++) {
    const character = scan.text[scan.at] as string;
    if (character === '"') {
      scan.at++;
      return value;
    }
    value += character === '\\' ? (scan.text[++scan.at] ?? '') : character;
  }
  return undefined;
}

/** Passes over characters of a set; true when there was one. */
function skip(scan: Scan, characters: string): boolean {
  const start = scan.at;
  while (scan.at < scan.text.length && characters.includes(scan.text[scan.at] as string)) scan.at++;
  return scan.at > start;
}
