import { PorticoError } from '../errors.js';
import {
  type Evaluation,
  FAILED_PATH,
  type Match,
  match,
  Quality,
  type ResolveSubject,
  type RouteSelector,
} from './route-selector.js';

/** Parameters that `HostSelector` adds. */
const REQUEST_HOST = '$RequestHost';
const REQUEST_PORT = '$RequestPort';
/** Parameter that `LocalPortSelector` adds. */
const LOCAL_PORT = '$LocalPort';

/** What a `HostSelector` takes. An empty list takes all. */
export interface HostPattern {
  /** Names without port; patterns must fit the whole name, without regard to case. */
  readonly hosts?: readonly (string | RegExp)[];
  readonly ports?: readonly number[];
}

/**
 * Host and port of the origin of the request: what the client named, behind a trusted proxy too. Adds `$RequestHost` and
 * `$RequestPort`. Else 404.
 */
export class HostSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = false;
  readonly #names: readonly string[];
  readonly #patterns: readonly RegExp[];
  readonly #ports: readonly number[];
  readonly #text: string;

  /** `PORTICO_ROUTE_PATTERN` when neither a host nor a port is given, and for what cannot be one. */
  constructor({ hosts = [], ports = [] }: HostPattern) {
    if (hosts.length + ports.length === 0)
      throw new PorticoError(
        'PORTICO_ROUTE_PATTERN',
        'A route for hosts names neither a host nor a port. Name at least one.',
      );
    for (const host of hosts)
      if (!(host instanceof RegExp) && !isHost(host))
        throw new PorticoError(
          'PORTICO_ROUTE_PATTERN',
          `${JSON.stringify(host)} is not a host. Write its name without a port, IPv6 in brackets, or a regular expression.`,
        );
    ports.forEach(checkPort);
    this.#names = hosts.filter((host) => typeof host === 'string').map((host) => host.toLowerCase());
    this.#patterns = hosts.filter((host) => typeof host !== 'string').map(wholeName);
    this.#ports = ports;
    this.#text = [...hosts, ...ports].join();
    this.id = `host:${JSON.stringify([this.#names, this.#patterns.map(String), ports])}`;
  }

  evaluate({ call }: ResolveSubject): Evaluation {
    const { serverHost: host, serverPort: port } = call.request.origin;
    if (this.#ports.length > 0 && !this.#ports.includes(port)) return FAILED_PATH;
    const isNamed = this.#names.length + this.#patterns.length > 0;
    if (isNamed && !this.#names.includes(host) && !this.#patterns.some((one) => one.test(host)))
      return FAILED_PATH;
    return constantWith([
      [REQUEST_HOST, [host]],
      [REQUEST_PORT, [String(port)]],
    ]);
  }

  toString(): string {
    return `(host:${this.#text})`;
  }
}

/** Port of the connector that took the request. Adds `$LocalPort`. Else 404. */
export class LocalPortSelector implements RouteSelector {
  readonly id: string;
  readonly isPath = false;
  readonly #port: number;

  /** `PORTICO_ROUTE_PATTERN` for what is no port. */
  constructor(port: number) {
    checkPort(port);
    this.#port = port;
    this.id = `localPort:${port}`;
  }

  evaluate({ call }: ResolveSubject): Evaluation {
    if (call.request.localPort !== this.#port) return FAILED_PATH;
    return match(Quality.CONSTANT, 0, LOCAL_PORT, [String(this.#port)]);
  }

  toString(): string {
    return `(localPort:${this.#port})`;
  }
}

function constantWith(parameters: Match['parameters']): Match {
  return { isMatch: true, quality: Quality.CONSTANT, segmentIncrement: 0, parameters };
}

/** What is equal to no name that a client sends: with a port, a star, or as an IPv6 address without brackets. */
function isHost(host: unknown): boolean {
  return typeof host === 'string' && host !== '' && !/[/\s*:]/.test(host.replace(/^\[[^\]]*\]/, ''));
}

function wholeName(pattern: RegExp): RegExp {
  const flags = pattern.flags.replace(/[gyi]/g, '');
  return new RegExp(`^(?:${pattern.source})$`, `${flags}i`);
}

function checkPort(port: unknown): void {
  if (typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 65_535) return;
  throw new PorticoError(
    'PORTICO_ROUTE_PATTERN',
    `${JSON.stringify(port)} is not a port that requests come to. Write a number from 1 to 65535.`,
  );
}
