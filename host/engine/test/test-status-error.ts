import { PorticoError } from '../../errors.js';
import type { TestResponse } from './test-response.js';

/** A response had another status than the test expects. Code `PORTICO_UNEXPECTED_STATUS`. */
export class TestStatusError extends PorticoError {
  readonly status: number;
  /** Its body has not been read yet. */
  readonly response: TestResponse;

  constructor(method: string, response: TestResponse, expected: string) {
    super(
      'PORTICO_UNEXPECTED_STATUS',
      `${method} ${response.url} was answered with ${response.status}, but ${expected} was expected. ` +
        'Read error.response to see why.',
    );
    this.name = 'TestStatusError';
    this.status = response.status;
    this.response = response;
  }
}
