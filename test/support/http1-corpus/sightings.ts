/** What an application saw of one request; the same keys whatever the application is written with. */
export interface Sighting {
  readonly method: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly version: string;
  readonly authority: string;
  /** End-to-end fields as name, value, name, value. */
  readonly fields: readonly string[];
  /** Value of the field `X`. */
  readonly x: string | undefined;
  /** Bytes of the body as announced; -1 for chunked. */
  readonly bodyLength: number;
  readonly upgrade: string | null;
  readonly body: string;
  readonly trailers: readonly string[] | undefined;
}

/** A request that has reached an application. */
export interface Arrival {
  readonly line: string;
  /** The application has read it to its end. */
  isComplete: boolean;
}

/** Tells the arrivals since it was asked last. */
export const ARRIVALS_PATH = '/arrivals';
/** `/status/204` is answered with that status. */
const STATUS_PATH = '/status/';

const arrivals: Arrival[] = [];

/** Notes a request whose head has reached the application. */
export function arrived(method: string, target: string): Arrival {
  const arrival = { line: `${method} ${target}`, isComplete: false };
  arrivals.push(arrival);
  return arrival;
}

/** The arrivals as JSON; they are forgotten. */
export function takeArrivals(): string {
  return JSON.stringify(arrivals.splice(0));
}

/** The status that the path asks for; 200 for any other path. */
export function statusFor(path: string): number {
  return path.startsWith(STATUS_PATH) ? Number(path.slice(STATUS_PATH.length)) : 200;
}

/** What takes its time begins with this; milliseconds. */
export const SLOW_PATH = '/slow/';
export const SLOW_MS = 20;
