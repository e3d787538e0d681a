import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareVersions } from '#host/bundle/compare-versions.js';

describe('compareVersions', () => {
  it('puts versions into the documented order', () => {
    const ordered = [
      '',
      '1.0.0-1',
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-rc.1',
      '1.0.0-rc.2',
      '1.0.0-rc10',
      '1.0.0',
      '1.0.0+b1',
      '1.0.1',
      '1.2',
      '1.10',
      '2',
      'v3',
      '10',
      '20240101',
      'r9',
      'r10',
    ];
    for (const [index, older] of ordered.entries()) {
      for (const newer of ordered.slice(index + 1)) {
        expect([older, newer, Math.sign(compareVersions(older, newer))]).toEqual([older, newer, -1]);
        expect([newer, older, Math.sign(compareVersions(newer, older))]).toEqual([newer, older, 1]);
      }
    }
  });

  it('is a total order: antisymmetric, transitive, zero only for the same text', () => {
    const version = fc.string({
      unit: fc.constantFrom('0', '1', '2', '9', '.', '-', '+', 'a', 'v'),
      maxLength: 7,
    });
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const sign = (x: string, y: string) => Math.sign(compareVersions(x, y));
        expect(sign(a, b) + sign(b, a)).toBe(0);
        expect(sign(a, b) === 0).toBe(a === b);
        if (sign(a, b) < 0 && sign(b, c) < 0) expect(sign(a, c)).toBe(-1);
      }),
      { numRuns: 3000 },
    );
  });
});
