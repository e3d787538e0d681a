import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder } from '#test/support/paths.js';

const DECLARATIONS = join(repositoryFolder, 'dist/host');

/** Public entries: the four of the package, and each plugin. */
export function publicEntries(): string[] {
  const plugins = readdirSync(join(DECLARATIONS, 'plugins'))
    .filter((name) => name.endsWith('.d.ts'))
    .map((name) => `plugins/${name.slice(0, -'.d.ts'.length)}`);
  return ['framework', 'container', 'embedded', 'testing', ...plugins.sort()];
}

/** Exported names of a public entry, types marked, as its compiled declarations have them. */
export function namesOf(entry: string): string[] {
  const text = readFileSync(join(DECLARATIONS, `${entry}.d.ts`), 'utf8');
  const names: string[] = [];
  for (const match of text.matchAll(/^export (type )?\{([^}]*)\}/gm)) {
    for (const item of (match[2] ?? '').split(',')) {
      const name = item.trim().replace(/^.* as /, '');
      if (name !== '')
        names.push(match[1] || name.startsWith('type ') ? `type ${name.replace(/^type /, '')}` : name);
    }
  }
  const declaration =
    /^export (?:declare )?(?:abstract )?(const|function|class|interface|type) ([A-Za-z0-9_$]+)/gm;
  for (const [, kind, name] of text.matchAll(declaration))
    names.push(kind === 'interface' || kind === 'type' ? `type ${name}` : (name ?? ''));
  return [...new Set(names)].sort();
}
