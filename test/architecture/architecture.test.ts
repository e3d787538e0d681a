import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readImports } from '#test/architecture/imports.js';
import { applicationHalf, layers } from '#test/architecture/layers.js';
import { repositoryFolder } from '#test/support/paths.js';

const imports = readImports(repositoryFolder, 'host');
const folderOf = (path: string) => /^host\/([^/]+)\//.exec(path)?.[1];
const rank = (folder: string) => (layers as readonly string[]).indexOf(folder);

describe('the layers of host/', () => {
  it('has a layer for every folder', () => {
    const folders = readdirSync(join(repositoryFolder, 'host'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    expect(folders.filter((folder) => rank(folder) < 0)).toEqual([]);
  });

  it('imports only downwards', () => {
    const upward = imports.filter(({ from, to }) => {
      const source = folderOf(from);
      const target = folderOf(to);
      return source !== undefined && target !== undefined && rank(target) < rank(source);
    });
    expect(upward.map(({ place, to }) => `${place} imports ${to}`)).toEqual([]);
  });

  it('keeps single files of host/ free of folders, except the public entries', () => {
    const entries = ['host/framework.ts', 'host/container.ts', 'host/embedded.ts', 'host/testing.ts'];
    const wrong = imports.filter(
      ({ from, to }) => folderOf(from) === undefined && folderOf(to) !== undefined && !entries.includes(from),
    );
    expect(wrong.map(({ place, to }) => `${place} imports ${to}`)).toEqual([]);
  });

  it('keeps the container half away from applications', () => {
    const wrong = imports.filter(
      ({ from, to, isTypeOnly }) =>
        !isTypeOnly &&
        applicationHalf.includes(folderOf(from) ?? '') &&
        rank(folderOf(to) ?? '') >= 0 &&
        rank(folderOf(to) ?? '') < rank('engine'),
    );
    expect(wrong.map(({ place, to }) => `${place} imports ${to}`)).toEqual([]);
  });

  it('keeps idle applications light: no package is loaded before a plugin or a file needs it', () => {
    const isStatic = ({ isTypeOnly, isDynamic }: (typeof imports)[number]) => !isTypeOnly && !isDynamic;
    const loaded = new Set(['host/framework.ts', 'host/instance/agent.ts']);
    for (const file of loaded)
      for (const one of imports) if (one.from === file && isStatic(one)) loaded.add(one.to);
    const packages = [...loaded].filter((name) => !name.startsWith('host/') && !name.startsWith('node:'));
    expect(packages).toEqual([]);
  });

  it('has no cycle between files', () => {
    const graph = new Map<string, string[]>();
    for (const { from, to, isTypeOnly } of imports) {
      if (to.startsWith('host/') && !isTypeOnly) graph.set(from, [...(graph.get(from) ?? []), to]);
    }
    expect(cyclesOf(graph)).toEqual([]);
  });
});

describe('host/README.md', () => {
  it('names only paths that exist', () => {
    const text = readFileSync(join(repositoryFolder, 'host/README.md'), 'utf8');
    const paths = [...text.matchAll(/`((?:host|apps|deploy|test)\/[^`\s*{}]*)`/g)].map(
      (match) => match[1] ?? '',
    );
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => !existsSync(join(repositoryFolder, path)))).toEqual([]);
  });
});

describe('the top level', () => {
  it('holds what was agreed and nothing else', () => {
    const agreed = [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'host',
      'apps',
      'deploy',
      'test',
      'Dockerfile',
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'dist',
      'node_modules',
      'coverage',
    ]; // prettier-ignore
    const found = readdirSync(repositoryFolder).filter((name) => !name.startsWith('.'));
    expect(found.filter((name) => !agreed.includes(name))).toEqual([]);
  });
});

/** One cycle, as text, for each strongly connected group that a depth-first walk meets. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start >= 0) cycles.push([...trail.slice(start), file].join(' -> '));
    if (start >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return cycles;
}
