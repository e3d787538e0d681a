import { describe, expect, it } from '@jest/globals';
import { messageOf } from '#host/errors.js';

describe('the text of what was thrown', () => {
  it('is that of each error where several are one', () => {
    const errors = [new Error('connect ECONNREFUSED ::1:80'), new Error('connect ECONNREFUSED 127.0.0.1:80')];
    expect(messageOf(new AggregateError(errors))).toBe(errors.map(({ message }) => message).join('; '));
    expect(messageOf(new AggregateError(errors, 'all refuse'))).toBe('all refuse');
    expect(messageOf(new AggregateError([]))).toBe('AggregateError');
  });

  it('is there in any case', () => {
    const cyclic = new AggregateError([]);
    cyclic.errors.push(cyclic);
    for (const thrown of [
      null,
      undefined,
      7,
      Object.create(null),
      new Proxy({}, {}),
      cyclic,
      new TypeError(),
    ])
      expect(messageOf(thrown)).not.toBe('');
  });
});
