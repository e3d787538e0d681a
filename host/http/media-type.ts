import { PorticoError } from '../errors.js';
import { isToken } from './byte-classes.js';
import { type HeaderParameter, parameterOf, parseHeaderValues, quoteParameter } from './header-value.js';

/**
 * A media type such as `text/html; charset=UTF-8`, or a pattern of media types such as `text/*` (RFC 9110 §8.3.1,
 * §12.5.1). Immutable. Case is kept and counts for nothing in comparisons.
 */
export class MediaType {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly HeaderParameter[];

  /** Type and subtype must be tokens, `*` for any: `PORTICO_BAD_CONTENT_TYPE`. */
  constructor(type: string, subtype: string, parameters: readonly HeaderParameter[] = []) {
    if (!isToken(type) || !isToken(subtype)) throw badMediaType(`${type}/${subtype}`);
    this.type = type;
    this.subtype = subtype;
    this.parameters = parameters;
  }

  /** Parses a field value; of a list the last one counts. `*` is short for any type. Else `PORTICO_BAD_CONTENT_TYPE`. */
  static parse(text: string): MediaType {
    const parsed = MediaType.parseOrUndefined(text);
    if (parsed === undefined) throw badMediaType(text);
    return parsed;
  }

  /** As `parse`; undefined for what is no media type. */
  static parseOrUndefined(text: string): MediaType | undefined {
    const item = parseHeaderValues(text).at(-1);
    return item === undefined ? undefined : mediaTypeOfValue(item.value, item.parameters);
  }

  /** `type/subtype` in lower case, without parameters. */
  get essence(): string {
    return `${this.type}/${this.subtype}`.toLowerCase();
  }

  /** Parameter `charset` in lower case. */
  get charset(): string | undefined {
    return this.parameter('charset')?.toLowerCase();
  }

  /** Value of a parameter, without quotes. */
  parameter(name: string): string | undefined {
    return parameterOf(this, name);
  }

  /**
   * Is this type one of the pattern's? `*` in the pattern stands for any type, subtype, parameter name or value; its
   * parameters must all be there, other ones do not matter.
   */
  matches(pattern: MediaType): boolean {
    return (
      isSameOrAny(this.type, pattern.type) &&
      isSameOrAny(this.subtype, pattern.subtype) &&
      pattern.parameters.every((wanted) => hasParameter(this, wanted))
    );
  }

  /** Same type, subtype and parameters, in any order. */
  equals(other: MediaType): boolean {
    return (
      this.essence === other.essence &&
      this.parameters.length === other.parameters.length &&
      other.parameters.every(([name, value]) => this.parameter(name)?.toLowerCase() === value.toLowerCase())
    );
  }

  /** The same type with a parameter added, or given another value. */
  withParameter(name: string, value: string): MediaType {
    return new MediaType(this.type, this.subtype, [...withoutParameter(this, name), [name, value]]);
  }

  withCharset(charset: string): MediaType {
    return this.withParameter('charset', charset);
  }

  withoutParameters(): MediaType {
    return this.parameters.length === 0 ? this : new MediaType(this.type, this.subtype);
  }

  /** As a field value; parameters are quoted where they need it. */
  toString(): string {
    const parameters = this.parameters.map(([name, value]) => `; ${name}=${quoteParameter(value)}`);
    return `${this.type}/${this.subtype}${parameters.join('')}`;
  }
}

/** One item of Accept. */
export interface AcceptedMediaType {
  /** Without `q`. */
  readonly mediaType: MediaType;
  /** 0 to 1; 0 means that the client does not want it. */
  readonly quality: number;
}

/**
 * Items of an Accept field, best first: by quality, then the more specific, then the one with more parameters, then the
 * order sent. Undefined and `''` are none. A malformed item: `PORTICO_BAD_CONTENT_TYPE`.
 */
export function parseAccept(text: string | undefined): readonly AcceptedMediaType[] {
  const items = parseHeaderValues(text).map(({ value, parameters, quality }): AcceptedMediaType => {
    const mediaType = mediaTypeOfValue(
      value,
      parameters.filter(([name]) => name !== 'q' && name !== 'Q'),
    );
    if (mediaType === undefined) throw badMediaType(value);
    return { mediaType, quality };
  });
  return items.sort(
    (a, b) =>
      b.quality - a.quality ||
      wildcardsOf(a.mediaType) - wildcardsOf(b.mediaType) ||
      b.mediaType.parameters.length - a.mediaType.parameters.length,
  );
}

function mediaTypeOfValue(value: string, parameters: readonly HeaderParameter[]): MediaType | undefined {
  if (value === '*') return new MediaType('*', '*', parameters);
  const slash = value.indexOf('/');
  const type = value.slice(0, Math.max(0, slash)).trim();
  const subtype = value.slice(slash + 1).trim();
  return isToken(type) && isToken(subtype) ? new MediaType(type, subtype, parameters) : undefined;
}

function badMediaType(text: string): PorticoError {
  return new PorticoError(
    'PORTICO_BAD_CONTENT_TYPE',
    `${JSON.stringify(text)} is no media type. Write it as type/subtype, for example text/plain.`,
  );
}

function isSameOrAny(own: string, pattern: string): boolean {
  return pattern === '*' || own.toLowerCase() === pattern.toLowerCase();
}

function hasParameter(own: MediaType, [name, value]: HeaderParameter): boolean {
  if (name === '*')
    return value === '*' || own.parameters.some(([, one]) => one.toLowerCase() === value.toLowerCase());
  const found = own.parameter(name);
  return found !== undefined && isSameOrAny(found, value);
}

function withoutParameter(mediaType: MediaType, name: string): readonly HeaderParameter[] {
  return mediaType.parameters.filter(([own]) => own.toLowerCase() !== name.toLowerCase());
}

function wildcardsOf({ type, subtype }: MediaType): number {
  return (type === '*' ? 1 : 0) + (subtype === '*' ? 1 : 0);
}
