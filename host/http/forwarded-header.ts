/** What one proxy has written into `Forwarded` (RFC 7239 §4); values without their quotes. */
export interface ForwardedElement {
  readonly for?: string;
  readonly host?: string;
  readonly proto?: string;
}

/**
 * The elements of all `Forwarded` lines from the last to the first, each when it is asked for; undefined for one that is
 * not as RFC 7239 §4 has it, behind which nothing comes. Where an element begins is found from the right, from what the
 * proxy next to us has written: nothing that stands further left, such as a quote that is never closed, can change how it
 * is read.
 */
export function* forwardedFromRight(lines: readonly string[]): Generator<ForwardedElement | undefined> {
  const text = lines.join(',');
  let end = text.length;
  while (end >= 0) {
    const comma = commaBefore(text, end);
    const part = comma === undefined ? undefined : text.slice(comma + 1, end).trim();
    const element = part === undefined ? undefined : elementOf(part);
    // Empty elements of a list are nothing (RFC 9110 §5.6.1.2).
    if (element === undefined || Object.keys(element).length > 0) yield element;
    if (element === undefined) return;
    end = comma ?? -1;
  }
}

/** Place of the last comma in front of `end` that is in no quotes; -1 when there is none, undefined within quotes. */
function commaBefore(text: string, end: number): number | undefined {
  let isQuoted = false;
  for (let at = end - 1; at >= 0; at--) {
    const character = text[at];
    if (character === ',' && !isQuoted) return at;
    if (character === '"' && !isEscaped(text, at)) isQuoted = !isQuoted;
  }
  return isQuoted ? undefined : -1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

const PAIR =
  /[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)")[ \t]*)?(;|$)/y;

function elementOf(text: string): ForwardedElement | undefined {
  const element: Record<string, string> = {};
  PAIR.lastIndex = 0;
  for (;;) {
    const match = PAIR.exec(text);
    if (match === null) return undefined;
    const [, name, token, quoted, separator] = match;
    if (name !== undefined) {
      const key = name.toLowerCase();
      // RFC 7239 §4: a parameter occurs once in an element.
      if (Object.hasOwn(element, key)) return undefined;
      element[key] = token ?? (quoted ?? '').replace(/\\(.)/g, '$1');
    }
    if (separator === '') return element;
  }
}
