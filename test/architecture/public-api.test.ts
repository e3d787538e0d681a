import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryFolder } from '#test/support/paths.js';
import { namesOf, publicEntries } from './public-names.js';

const agreed = JSON.parse(
  readFileSync(join(repositoryFolder, 'test/architecture/public-api.json'), 'utf8'),
) as Record<string, string[]>;

describe('the public API', () => {
  it('has the agreed entries', () => {
    expect(publicEntries()).toEqual(Object.keys(agreed));
  });

  it.each(publicEntries())('has the agreed names in %s', (entry) => {
    expect({ [entry]: namesOf(entry) }).toEqual({ [entry]: agreed[entry] });
  });
});
