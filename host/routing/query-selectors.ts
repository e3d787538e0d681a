import { PorticoError } from '../errors.js';
import {
  type Evaluation,
  FAILED_PARAMETER,
  MATCHED_CONSTANT,
  MISSING,
  match,
  Quality,
  type ResolveSubject,
  type RouteSelector,
} from './route-selector.js';

/** A query parameter that must be there; with a value: that has it among its values. Else 400. */
export class QueryParameterSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = false;
  readonly name: string;
  readonly value: string | undefined;

  /** `PORTICO_ROUTE_PATTERN` without a name, and for a value that is no text. */
  constructor(name: string, value?: string) {
    checkName(name);
    checkValue(value);
    this.name = name;
    this.value = value;
    this.id = `query:${JSON.stringify([name, value])}`;
  }

  evaluate({ call }: ResolveSubject): Evaluation {
    const values = call.request.queryParameters.getAll(this.name);
    if (values === undefined) return FAILED_PARAMETER;
    if (this.value !== undefined) return values.includes(this.value) ? MATCHED_CONSTANT : FAILED_PARAMETER;
    return match(Quality.QUERY_PARAMETER, 0, this.name, values);
  }

  toString(): string {
    return this.value === undefined ? `[${this.name}]` : `[${this.name} = ${this.value}]`;
  }
}

/** A query parameter that may be there. A route that needs nothing is better than one whose parameter is missing. */
export class OptionalQueryParameterSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = false;
  readonly name: string;

  /** `PORTICO_ROUTE_PATTERN` without a name. */
  constructor(name: string) {
    checkName(name);
    this.name = name;
    this.id = `optionalQuery:${name}`;
  }

  evaluate({ call }: ResolveSubject): Evaluation {
    const values = call.request.queryParameters.getAll(this.name);
    return values === undefined ? MISSING : match(Quality.QUERY_PARAMETER, 0, this.name, values);
  }

  toString(): string {
    return `[${this.name}?]`;
  }
}

function checkValue(value: unknown): void {
  if (value === undefined || typeof value === 'string') return;
  throw new PorticoError(
    'PORTICO_ROUTE_PATTERN',
    `${JSON.stringify(value)} is not the value of a query parameter. Write a text, for example with String().`,
  );
}

function checkName(name: unknown): void {
  if (typeof name === 'string' && name !== '') return;
  throw new PorticoError(
    'PORTICO_ROUTE_PATTERN',
    `${JSON.stringify(name)} is not the name of a query parameter. Name the one that the route needs.`,
  );
}
