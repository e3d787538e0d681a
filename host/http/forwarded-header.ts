/** What one proxy has written into `Forwarded` (RFC 7239 §4); values without their quotes. */
export interface ForwardedElement {
  readonly for?: string;
  readonly host?: string;
  readonly proto?: string;
}

/**
 * The elements of all `Forwarded` lines, in order, the proxy next to us last. Strict: undefined when anything in them is
 * not as RFC 7239 §4 has it, since then nobody knows where an element of a trusted proxy begins.
 */
export function parseForwardedHeader(lines: readonly string[]): ForwardedElement[] | undefined {
  const elements: ForwardedElement[] = [];
  const text = lines.join(',');
  const pair =
    /[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)")[ \t]*)?([;,]|$)/y;
  let current: Record<string, string> = {};
  while (pair.lastIndex <= text.length) {
    const match = pair.exec(text);
    if (match === null) return undefined;
    const [, name, token, quoted, separator] = match;
    if (name !== undefined) {
      const key = name.toLowerCase();
      // RFC 7239 §4: a parameter occurs once in an element.
      if (Object.hasOwn(current, key)) return undefined;
      current[key] = token ?? (quoted ?? '').replace(/\\(.)/g, '$1');
    }
    if (separator === ';') continue;
    // Empty elements of a list are nothing (RFC 9110 §5.6.1.2).
    if (Object.keys(current).length > 0) elements.push(current);
    current = {};
    if (separator === '') return elements;
  }
  return undefined;
}
