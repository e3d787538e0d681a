import { describe, expect, it } from '@jest/globals';
import { keptOf, retained, rollbackTarget } from '#host/deployer/history/deployment-history.js';
import type { DeploymentRecord } from '#host/deployer/history/deployment-record.js';

/**
 * `1:A 2:B! 3:A-`: number and content; `!` failed before it served, `?` while it served, `-` its content is removed; the
 * last one serves.
 */
function records(text: string): DeploymentRecord[] {
  return text.split(' ').map((one) => {
    const [, number = '', letter = '', mark] = /^(\d+):(\w)([!?-]?)$/.exec(one) ?? [];
    const steps = stepsOf(mark).map((step) => ({
      step: step as 'serving',
      at: '2026-01-01T00:00:00.000Z',
      ms: 0,
    }));
    const fingerprint = letter.toLowerCase().repeat(64);
    return { name: 'shop', number: Number(number), trigger: 'files', key: `${letter}+`, fingerprint, steps };
  });
}

function stepsOf(mark: string | undefined): string[] {
  switch (mark) {
    case '!':
      return ['seen', 'failed'];
    case '?':
      return ['serving', 'failed', 'draining', 'stopped'];
    case '-':
      return ['serving', 'removed'];
    default:
      return ['serving'];
  }
}

describe('keptOf', () => {
  it.each([
    ['the last contents that served', '1:A 2:B 3:C', 2, '2 3'],
    ['none that never served', '1:A 2:B! 3:C', 2, '1 3'],
    ['every deployment of a content', '1:A 2:B 3:A', 2, '1 2 3'],
    ['a content that came back as a new one', '1:A 2:B 3:C 4:A', 2, '1 3 4'],
    ['nothing that is removed', '1:A- 2:B', 5, '2'],
    ['at least one', '1:A 2:B', 0, '2'],
    ['what works rather than what failed while it served', '1:A 2:B? 3:C? 4:D', 3, '1 3 4'],
    ['what failed and then served after all', '1:A 2:B? 3:B 4:C', 2, '2 3 4'],
  ] as const)('keeps %s', (_, text, limit, expected) => {
    expect(
      keptOf(records(text), limit)
        .map(({ number }) => number)
        .join(' '),
    ).toBe(expected);
  });
});

describe('retained', () => {
  it('forgets old records, but for the first and the last of each content that is kept', () => {
    const many = Array.from({ length: 100 }, (_, index) => `${index + 2}:B`);
    const all = records(`1:A ${many.join(' ')}`);
    expect(retained(all, 5).map(({ number }) => number)).toEqual([
      1,
      2,
      ...Array.from({ length: 30 }, (_, i) => i + 72),
    ]);
  });
});

describe('rollbackTarget', () => {
  const target = (text: string, current: string, to?: string, limit = 5): string => {
    try {
      return String(rollbackTarget('shop', records(text), limit, `${current}+`, to).number);
    } catch (error) {
      return (error as Error).message;
    }
  };

  it.each([
    ['goes to the one before', '1:A 2:B 3:C', 'C', undefined, '2'],
    ['passes over what failed', '1:A 2:B! 3:C', 'C', undefined, '1'],
    ['passes over what failed while it served', '1:A 2:B? 3:C', 'C', undefined, '1'],
    ['takes what failed while it served when there is nothing else', '1:A? 2:B', 'B', undefined, '1'],
    ['goes further back the second time', '1:A 2:B 3:C 4:B', 'B', undefined, '1'],
    ['does not mind restarts of the host', '1:A 2:B 3:B 4:B', 'B', undefined, '1'],
    ['takes what serves for what counts, not what came last', '1:A 2:B 3:C!', 'B', undefined, '1'],
    ['finds a number', '1:A 2:B 3:C', 'C', '1', '1'],
    ['finds a number with its sign', '1:A 2:B 3:C', 'C', '#1', '1'],
    ['goes forward by number', '1:A 2:B 3:C 4:A', 'A', '3', '3'],
    ['finds a fingerprint', '1:A 2:B 3:C', 'C', 'aaaaaa', '1'],
  ] as const)('%s', (_, text, current, to, expected) => {
    expect(target(text, current, to)).toBe(expected);
  });

  it.each([
    ['when nothing is older', '1:A 2:B 3:A', 'A', undefined, /nothing older of shop.*named: 2;/],
    ['when nothing else is there', '1:A', 'A', undefined, /nothing older of shop.*no other content/],
    ['for a number that is not kept', '1:A 2:B 3:C', 'C', '1', /no deployment 1 of shop is kept.*named: 2;/],
    ['for too few digits', '1:A 2:B', 'B', 'aaa', /six digits/],
    ['for what serves already', '1:A 2:B', 'B', '2', /serves deployment 2 already/],
  ] as const)('refuses %s', (_, text, current, to, message) => {
    expect(target(text, current, to, 2)).toMatch(message);
  });
});
