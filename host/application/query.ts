import { Parameters } from './parameters.js';
import { decodePercent } from './percent-decoding.js';

/** More parameters than this are ignored; no honest client sends them. */
const DEFAULT_MAX_PARAMETERS = 1000;

/**
 * Parses a query as sent, without `?`. Names and values are trimmed; `+` is a space in values only; a name without
 * `=` has no values. A bad escape is `PORTICO_BAD_ESCAPE` (400).
 */
export function parseQuery(query: string | undefined, maxParameters = DEFAULT_MAX_PARAMETERS): Parameters {
  return parse(query ?? '', maxParameters, false);
}

/** Parses a body of type `application/x-www-form-urlencoded`; there `+` is a space in names as well. */
export function parseForm(body: string, maxParameters = DEFAULT_MAX_PARAMETERS): Parameters {
  return parse(body, maxParameters, true);
}

function parse(text: string, maxParameters: number, isForm: boolean): Parameters {
  const values = new Map<string, string[]>();
  let count = 0;
  for (let start = 0; start < text.length && count < maxParameters; ) {
    let end = text.indexOf('&', start);
    if (end < 0) end = text.length;
    const equals = text.indexOf('=', start);
    const hasValue = equals >= 0 && equals < end;
    const name = text.slice(start, hasValue ? equals : end).trim();
    if (name !== '') {
      const decoded = decodePercent(name, isForm);
      const list = values.get(decoded) ?? [];
      values.set(decoded, list);
      if (hasValue)
        list.push(
          decodePercent(isForm ? text.slice(equals + 1, end) : text.slice(equals + 1, end).trim(), true),
        );
      count++;
    }
    start = end + 1;
  }
  return values.size === 0 ? Parameters.EMPTY : new Parameters(values);
}
