import { PorticoError } from '../errors.js';
import { isToken } from '../http/byte-classes.js';
import { parseByQuality } from '../http/header-value.js';
import { type AcceptedMediaType, MediaType, parseAccept } from '../http/media-type.js';
import {
  type Evaluation,
  FAILED_ACCEPT,
  FAILED_CONTENT_TYPE,
  FAILED_PARAMETER,
  MATCHED_CONSTANT,
  MISSING,
  match,
  type ResolveSubject,
  type RouteSelector,
} from './route-selector.js';

/** A header field with a value among its items, without regard to case; its `q` is the quality. Else 400. */
export class HeaderSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = false;
  readonly #name: string;
  readonly #value: string;

  /** `PORTICO_ROUTE_PATTERN` for what can be no name, and without a value. */
  constructor(name: string, value: string) {
    if (typeof name !== 'string' || !isToken(name) || typeof value !== 'string' || value === '')
      throw new PorticoError(
        'PORTICO_ROUTE_PATTERN',
        `A route cannot be for the header ${JSON.stringify(name)} with the value ${JSON.stringify(value)}. Name both.`,
      );
    this.#name = name;
    this.#value = value.toLowerCase();
    this.id = `header:${JSON.stringify([name.toLowerCase(), this.#value])}`;
  }

  evaluate({ call }: ResolveSubject): Evaluation {
    const text = call.request.headers.getAll(this.#name).join(',');
    const item = parseByQuality(text).find(({ value }) => value.toLowerCase() === this.#value);
    return item === undefined ? FAILED_PARAMETER : match(item.quality, 0);
  }

  toString(): string {
    return `(header:${this.#name} = ${this.#value})`;
  }
}

/**
 * Accept takes one of these types (RFC 9110 §12.5.1). The quality is the `q` of the first item that fits, wildcards
 * on both sides; without the field every type is taken, as a missing one. Else 406; malformed is 400.
 */
export class AcceptSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = false;
  readonly #types: readonly MediaType[];

  /** At least one type; malformed: `PORTICO_BAD_CONTENT_TYPE`. */
  constructor(types: readonly (MediaType | string)[]) {
    this.#types = mediaTypes(types);
    this.id = `accept:${this.#types.map(String).join()}`;
  }

  evaluate({ call }: ResolveSubject): Evaluation {
    const text = call.request.headers.getAll('Accept').join(',');
    if (text === '') return MISSING;
    const items = acceptedBy(text);
    if (items === undefined) return FAILED_PARAMETER;
    const types = this.#types.filter((type) => !isRefused(type, items));
    const found = items.find(
      ({ mediaType, quality }) =>
        quality > 0 && types.some((type) => type.matches(mediaType) || mediaType.matches(type)),
    );
    return found === undefined ? FAILED_ACCEPT : match(found.quality, 0);
  }

  toString(): string {
    return `(accept:${this.#types.join()})`;
  }
}

/** Content-Type is one of these types, wildcards and parameters of which count. Else 415; malformed is 400. */
export class ContentTypeSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = false;
  readonly #types: readonly MediaType[];

  /** At least one type; malformed: `PORTICO_BAD_CONTENT_TYPE`. */
  constructor(types: readonly (MediaType | string)[]) {
    this.#types = mediaTypes(types);
    this.id = `contentType:${this.#types.map(String).join()}`;
  }

  evaluate({ call }: ResolveSubject): Evaluation {
    const { contentType } = call.request;
    if (contentType === undefined) return FAILED_CONTENT_TYPE;
    const own = MediaType.parseOrUndefined(contentType);
    if (own === undefined) return FAILED_PARAMETER;
    return this.#types.some((type) => own.matches(type)) ? MATCHED_CONSTANT : FAILED_CONTENT_TYPE;
  }

  toString(): string {
    return `(contentType:${this.#types.join()})`;
  }
}

function mediaTypes(types: readonly (MediaType | string)[]): readonly MediaType[] {
  if (types.length === 0)
    throw new PorticoError(
      'PORTICO_ROUTE_PATTERN',
      'A route for media types names none. Name at least one, for example application/json.',
    );
  return types.map((type) => (typeof type === 'string' ? MediaType.parse(type) : type));
}

/** The field that was parsed last: siblings with other types ask for the same one. */
let latest: { readonly text: string; readonly items: readonly AcceptedMediaType[] | undefined } | undefined;

/** Undefined for a malformed field. */
function acceptedBy(text: string): readonly AcceptedMediaType[] | undefined {
  if (latest?.text !== text) latest = { text, items: parsed(text) };
  return latest.items;
}

function parsed(text: string): readonly AcceptedMediaType[] | undefined {
  try {
    return parseAccept(text);
  } catch {
    // What is wrong with it does not matter here: the status says enough.
    return undefined;
  }
}

/** RFC 9110 §12.4.2: `q=0` is "not acceptable"; the most specific item that names the type decides. */
function isRefused(type: MediaType, items: readonly AcceptedMediaType[]): boolean {
  const named = items.filter(({ mediaType }) => type.matches(mediaType));
  const best = Math.max(...named.map(({ mediaType }) => specificity(mediaType)));
  return named.some(({ mediaType, quality }) => quality === 0 && specificity(mediaType) === best);
}

function specificity({ type, subtype, parameters }: MediaType): number {
  return (type === '*' ? 0 : 1000) + (subtype === '*' ? 0 : 1000) + parameters.length;
}
