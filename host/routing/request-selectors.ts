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

  constructor(method: string) {
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
