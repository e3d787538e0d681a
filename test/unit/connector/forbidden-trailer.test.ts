import { describe, expect, it } from '@jest/globals';
import { isForbiddenTrailer } from '#host/connector/trailer-parser.js';

describe('a trailer', () => {
  it('cannot say what only the host says', () => {
    for (const name of ['portico-caller', 'portico_caller', 'portico-hops', 'portico-job', 'x-forwarded-for'])
      expect(isForbiddenTrailer(name)).toBe(true);
    for (const name of ['server-timing', 'x-checksum', 'porticoes'])
      expect(isForbiddenTrailer(name)).toBe(false);
  });
});
