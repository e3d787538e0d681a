import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repositoryFolder } from '#test/support/paths.js';

/** Exported names of a public entry, types marked, as its compiled declarations have them. */
function namesOf(entry: string): string[] {
  const text = readFileSync(join(repositoryFolder, 'dist/host', `${entry}.d.ts`), 'utf8');
  const names: string[] = [];
  for (const match of text.matchAll(/export (type )?\{([^}]*)\}/g)) {
    for (const item of (match[2] ?? '').split(',')) {
      const name = item.trim().replace(/^.* as /, '');
      if (name !== '')
        names.push(match[1] || name.startsWith('type ') ? `type ${name.replace(/^type /, '')}` : name);
    }
  }
  return names.sort();
}

describe('the public API', () => {
  it.each(['framework', 'container', 'embedded', 'testing'])('has the agreed names in %s', (entry) => {
    const snapshot: unknown = JSON.parse(
      readFileSync(join(repositoryFolder, 'test/architecture/public-api.json'), 'utf8'),
    );
    expect({ [entry]: namesOf(entry) }).toEqual({ [entry]: (snapshot as Record<string, string[]>)[entry] });
  });
});
