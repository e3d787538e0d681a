import { describe, expect, it } from '@jest/globals';
import { FieldBlock } from '#host/http/field-block.js';

describe('FieldBlock', () => {
  const block = FieldBlock.of(['Host', 'a.example', 'Accept', 'text/html', 'ACCEPT', 'text/plain']);

  it('finds fields without regard to case', () => {
    expect(block.get('host')).toBe('a.example');
    expect(block.all('accept')).toEqual(['text/html', 'text/plain']);
    expect(block.get('cookie')).toBeUndefined();
  });

  it('keeps names as they were sent', () => {
    expect(block.flat()).toEqual(['Host', 'a.example', 'Accept', 'text/html', 'ACCEPT', 'text/plain']);
  });
});
