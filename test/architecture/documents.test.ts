import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { anchorsOf, fencesOf, linksOf } from '#test/support/documents/markdown.js';
import { repositoryFolder } from '#test/support/paths.js';

const FOLDERS = ['apps', 'deploy', 'host'];
const agreed = JSON.parse(
  readFileSync(join(repositoryFolder, 'test/architecture/public-api.json'), 'utf8'),
) as Record<string, string[]>;

/** All markdown files of the repository, relative to it. */
const documents = [
  ...readdirSync(repositoryFolder),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(repositoryFolder, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      join(folder, name),
    ),
  ),
].filter((name) => name.endsWith('.md') && !name.includes('node_modules'));

/** Those for people who use Portico. */
const guides = documents.filter((name) => !name.startsWith('host/'));

const textOf = (document: string): string => readFileSync(join(repositoryFolder, document), 'utf8');

describe.each(documents)('%s', (document) => {
  const text = textOf(document);

  it('links to files and headings that are there', () => {
    const broken = linksOf(text)
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? document : normalize(join(dirname(document), path));
        if (!existsSync(join(repositoryFolder, target)) || relative('.', target).startsWith('..'))
          return true;
        return anchor !== undefined && !anchorsOf(textOf(target)).includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  it('imports from portico only what it exports', () => {
    const code = fencesOf(text)
      .map((fence) => fence.text)
      .join('\n');
    const wrong: string[] = [];
    for (const [, names = '', entry = ''] of code.matchAll(
      /import (?:type )?\{([^}]*)\} from 'portico\/?([^']*)'/g,
    )) {
      const exported = (agreed[entry === '' ? 'framework' : entry] ?? []).map((name) =>
        name.replace(/^type /, ''),
      );
      for (const name of names.split(',').map((one) => one.trim().replace(/^type /, '')))
        if (name !== '' && !exported.includes(name)) wrong.push(`${name} of portico/${entry}`);
    }
    expect(wrong).toEqual([]);
  });
});

it('names only commands and scripts that there are', () => {
  const help = execFileSync(process.execPath, [join(repositoryFolder, 'dist/host/cli/main.js'), '--help'], {
    encoding: 'utf8',
  });
  const commands = [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Readonly<Record<string, string>> };
  const wrong: string[] = [];
  for (const document of guides) {
    const text = textOf(document);
    const places = [
      ...fencesOf(text)
        .filter(({ language }) => language === 'sh')
        .map((fence) => fence.text),
    ];
    places.push(...[...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code));
    for (const place of places) {
      for (const [, command = ''] of place.matchAll(/(?:^|npx |&& )portico ([a-z]+)/gm))
        if (!commands.includes(command)) wrong.push(`${document}: portico ${command}`);
      for (const [, script = ''] of place.matchAll(/\bnpm run ([a-z]+)/g))
        if (scripts[script] === undefined && script !== 'build') wrong.push(`${document}: npm run ${script}`);
    }
  }
  expect(commands.length).toBeGreaterThan(8);
  expect(wrong).toEqual([]);
});

it('every page for people is reached from the README', () => {
  const reached = new Set<string>();
  const pending = ['README.md'];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (reached.has(at)) continue;
    reached.add(at);
    for (const link of linksOf(textOf(at))) {
      const target = normalize(join(dirname(at), link.split('#', 1).join('')));
      if (documents.includes(target)) pending.push(target);
    }
  }
  expect(guides.filter((name) => !reached.has(name) && name !== 'CHANGELOG.md')).toEqual([]);
});
