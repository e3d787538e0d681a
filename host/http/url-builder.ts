import { PorticoError } from '../errors.js';
import { encodeParameter, encodePathSegment, formUrlEncode } from './url-encoding.js';

/**
 * Builds a URL part by part, everything encoded where it is written: for links and redirects. To read a URL use the
 * class `URL` of the platform.
 *
 * ```ts
 * const url = new UrlBuilder(call.request.origin.url).path('items', id).parameter('tab', 'all');
 * return call.respondRedirect(url.toString());
 * ```
 */
export class UrlBuilder {
  readonly #start: string;
  readonly #parameters: [name: string, values: string[]][] = [];
  #path = '';
  #fragment = '';

  /**
   * Begins with a URL or path, which is taken as it is and may have a path and a query; not a fragment. An absolute
   * one of `http` or `https` that is no URL: `PORTICO_BAD_URL`.
   */
  constructor(start = '') {
    this.#start = checkedStart(start);
  }

  /** Adds segments to the path; a slash in one is encoded. `.` and `..` cannot be segments: `PORTICO_BAD_URL`. */
  path(...segments: readonly string[]): this {
    for (const segment of segments) {
      if (segment === '.' || segment === '..')
        throw badUrl(segment, 'is no segment that can be encoded; browsers would take it as a way up');
      this.#path += `/${encodePathSegment(segment)}`;
    }
    return this;
  }

  /** Adds a query parameter; several of one name stay apart. Without a value only its name is written. */
  parameter(name: string, ...values: readonly string[]): this {
    this.#parameters.push([name, [...values]]);
    return this;
  }

  /** Sets what stands behind `#`. */
  fragment(text: string): this {
    this.#fragment = text;
    return this;
  }

  toString(): string {
    const question = this.#start.indexOf('?');
    const base = question < 0 ? this.#start : this.#start.slice(0, question);
    const query = [question < 0 ? '' : this.#start.slice(question + 1), formUrlEncode(this.#parameters)]
      .filter((part) => part !== '')
      .join('&');
    const path = this.#path !== '' && base.endsWith('/') ? base + this.#path.slice(1) : base + this.#path;
    const fragment = this.#fragment === '' ? '' : `#${encodeParameter(this.#fragment)}`;
    return `${path}${query === '' ? '' : `?${query}`}${fragment}`;
  }
}

/** The default port of the scheme is left out (RFC 3986 §6.2.3). */
function checkedStart(start: string): string {
  if (start.includes('#')) throw badUrl(start, 'has a fragment; set it with fragment()');
  const scheme = /^(https?):\/\//i.exec(start)?.[1]?.toLowerCase();
  if (scheme === undefined) return start;
  const end = start.slice(scheme.length + 3).search(/[/?]/);
  const origin = end < 0 ? start : start.slice(0, scheme.length + 3 + end);
  if (!URL.canParse(origin) || /\s/.test(origin)) throw badUrl(start, 'is no URL');
  const port = scheme === 'http' ? ':80' : ':443';
  return (origin.endsWith(port) ? origin.slice(0, -port.length) : origin) + start.slice(origin.length);
}

function badUrl(text: string, why: string): PorticoError {
  return new PorticoError('PORTICO_BAD_URL', `${JSON.stringify(text)} ${why}.`);
}
