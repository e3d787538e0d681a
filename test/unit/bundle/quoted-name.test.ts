import { describe, expect, it } from '@jest/globals';
import { quotedName } from '#host/bundle/quoted-name.js';

describe('quotedName', () => {
  it('shows a forged name on one line, without direction changes', () => {
    expect(quotedName('a\nb\u202ec\u001b[31m"')).toBe('"a\\nb\\u{202e}c\\u001b[31m\\""');
    expect(quotedName('x'.repeat(5000)).length).toBeLessThan(130);
  });
});
