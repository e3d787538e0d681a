/**
 * What is refused for every application, unless the application wants to answer for itself. `pass`: it gets the request.
 */
export interface RequestSettings {
  /** Percent-escapes in the path that are cut, not hexadecimal or not UTF-8. Default `refuse`: 400. */
  readonly malformedEscapes: 'refuse' | 'pass';
  /** The method TRACE. Default `refuse`: 405. */
  readonly trace: 'refuse' | 'pass';
}

/** Everything is refused. */
export const STRICT_REQUESTS: RequestSettings = { malformedEscapes: 'refuse', trace: 'refuse' };
