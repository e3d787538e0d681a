import { PorticoError } from '../errors.js';
import { isToken } from '../http/byte-classes.js';
import {
  type Evaluation,
  FAILED_METHOD,
  MATCHED_CONSTANT,
  MATCHED_TRANSPARENT,
  match,
  Quality,
  type ResolveSubject,
  type RouteSelector,
} from './route-selector.js';

/** The method of the request; HEAD and OPTIONS are methods of their own. */
export class MethodSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = false;
  readonly method: string;

  /** What can be no method, or only by another case: `PORTICO_ROUTE_PATTERN`. */
  constructor(method: string) {
    checkMethod(method);
    this.method = method;
    this.id = `method:${method}`;
  }

  evaluate({ call }: ResolveSubject): Evaluation {
    return call.method === this.method ? MATCHED_CONSTANT : FAILED_METHOD;
  }

  toString(): string {
    return `(method:${this.method})`;
  }
}

const COMMON: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'QUERY',
]);

/** RFC 9110 §9.1: methods are tokens, and their case counts. */
function checkMethod(method: string): void {
  const upper = String(method).toUpperCase();
  if (typeof method === 'string' && isToken(method) && (method === upper || !COMMON.has(upper))) return;
  const advice = COMMON.has(upper) ? `Write ${upper}: the case counts.` : 'A method is a word such as GET.';
  throw new PorticoError(
    'PORTICO_ROUTE_PATTERN',
    `A route cannot be for the method ${JSON.stringify(method) ?? 'undefined'}. ${advice}`,
  );
}

/** Always matches and does not count: a place for plugins to hang on. Equal to no other. */
export class TransparentSelector implements RouteSelector {
  readonly id: string | undefined;
  readonly isPath = false;
  readonly #name: string;

  /** Selectors of one `id` below one parent are one route. */
  constructor(name: string, id?: string) {
    this.#name = name;
    this.id = id === undefined ? undefined : `transparent:${id}`;
  }

  evaluate(): Evaluation {
    return MATCHED_TRANSPARENT;
  }

  toString(): string {
    return `(${this.#name})`;
  }
}

/** Always matches, but any other route is better; for static content. */
export class LowPrioritySelector implements RouteSelector {
  readonly id = 'lowPriority';
  readonly isPath = false;
  readonly bestQuality = Quality.TAILCARD;

  evaluate(): Evaluation {
    return LOW;
  }

  toString(): string {
    return '(low priority)';
  }
}

const LOW = match(Quality.TAILCARD, 0);
