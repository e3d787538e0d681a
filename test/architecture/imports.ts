import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

/** One import statement of a source file. */
export interface Import {
  /** File and line, `host/front/mapper.ts:3`. */
  readonly place: string;
  /** Path of the importing file, relative to the repository. */
  readonly from: string;
  /** Path of the imported file relative to the repository, or the name of a package. */
  readonly to: string;
  readonly isTypeOnly: boolean;
  /** `import('…')`: loaded when it is needed. */
  readonly isDynamic: boolean;
}

/** All imports of all TypeScript files below a folder. */
export function readImports(repository: string, folder: string): Import[] {
  return sourceFiles(join(repository, folder)).flatMap((file) => importsOf(repository, file));
}

/** All `.ts` files below a folder, sorted. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
    .sort();
}

function importsOf(repository: string, file: string): Import[] {
  const from = relative(repository, file);
  const text = readFileSync(file, 'utf8');
  const imports: Import[] = [];
  const statement =
    /^(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm;
  for (const match of text.matchAll(statement)) {
    const specifier = match[2] ?? match[3] ?? match[4] ?? '';
    const line = text.slice(0, match.index).split('\n').length;
    imports.push({
      place: `${from}:${line}`,
      from,
      to: specifier.startsWith('.')
        ? normalize(join(dirname(from), specifier)).replace(/\.js$/, '.ts')
        : specifier,
      isTypeOnly: match[1] !== undefined,
      isDynamic: match[3] !== undefined,
    });
  }
  return imports;
}
