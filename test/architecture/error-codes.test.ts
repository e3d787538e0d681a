import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { sourceFiles } from '#test/architecture/imports.js';
import { repositoryFolder } from '#test/support/paths.js';

const NAME = /\bPORTICO_[A-Z][A-Z0-9_]*\b/g;

const page = readFileSync(join(repositoryFolder, 'host/ERRORS.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, name = '', first = '', second = '']) => ({ name: name.replaceAll('`', ''), first, second }));

/** Every name of this form in the sources, comments included, with the first file that has it. */
const used = new Map<string, string>();
for (const file of sourceFiles(join(repositoryFolder, 'host'))) {
  for (const [name] of readFileSync(file, 'utf8').matchAll(NAME)) {
    if (!used.has(name)) used.set(name, relative(repositoryFolder, file));
  }
}

describe('host/ERRORS.md', () => {
  it('has a row for every code in the sources', () => {
    expect(used.size).toBeGreaterThan(100);
    const listed = new Set(rows.map(({ name }) => name));
    expect([...used].filter(([name]) => !listed.has(name))).toEqual([]);
  });

  it('names no code that the sources do not have', () => {
    expect(rows.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
    expect([...page.matchAll(NAME)].map(([name]) => name).filter((name) => !used.has(name))).toEqual([]);
  });

  it('has each code once, and says what happened and what to do', () => {
    const names = rows.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(rows.filter(({ first, second }) => first === '' || second === '')).toEqual([]);
  });
});
