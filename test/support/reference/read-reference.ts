import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from 'typescript/unstable/ast';
import {
  isClassDeclaration,
  isFunctionDeclaration,
  isInterfaceDeclaration,
  isVariableDeclaration,
} from 'typescript/unstable/ast/is';
import { API, type Project, SymbolFlags, type Symbol as TypeScriptSymbol } from 'typescript/unstable/sync';
import { publicEntries } from '#test/architecture/public-names.js';
import { repositoryFolder } from '#test/support/paths.js';

/** A member of a class or interface, or one overload of a function. */
export interface DocumentedMember {
  /** As declared, in one line where it is one. */
  readonly declaration: string;
  /** `''` when there is none. */
  readonly doc: string;
}

/** A public name. */
export interface DocumentedName {
  readonly name: string;
  readonly kind: 'class' | 'interface' | 'function' | 'type' | 'const';
  /** `''` when there is none. */
  readonly doc: string;
  /** Without members. Several for a function with overloads. */
  readonly declarations: readonly string[];
  readonly members: readonly DocumentedMember[];
}

/** A public entry of the package: `portico/testing`. */
export interface DocumentedEntry {
  readonly specifier: string;
  readonly doc: string;
  readonly names: readonly DocumentedName[];
}

const DECLARATIONS = join(repositoryFolder, 'dist/host');

/** Reads the declarations that ship, with the compiler itself. `folder` is for its configuration file. */
export function readReference(folder: string): DocumentedEntry[] {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'tsconfig.json');
  const entries = publicEntries();
  const files = entries.map((entry) => join(DECLARATIONS, `${entry}.d.ts`));
  const compilerOptions = { module: 'nodenext', target: 'es2023', noEmit: true, skipLibCheck: true };
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  const api = new API({ cwd: folder });
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (project === undefined) throw new Error(`The compiler does not open ${config}.`);
    return entries.map((entry, i) => readEntry(project, entry, files[i] ?? ''));
  } finally {
    api.close();
  }
}

function readEntry(project: Project, entry: string, file: string): DocumentedEntry {
  const { checker, program } = project;
  const source = program.getSourceFile(file);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (source === undefined || module === undefined) throw new Error(`The compiler does not know ${file}.`);
  const names = checker.getExportsOfModule(module).map((symbol) => {
    // What an entry only passes on is declared elsewhere.
    const isPassedOn = (symbol.flags & SymbolFlags.Alias) !== 0;
    return readName(project, symbol.name, isPassedOn ? checker.getAliasedSymbol(symbol) : symbol);
  });
  const [, doc = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(source.text) ?? [];
  return {
    specifier: entry === 'framework' ? 'portico' : `portico/${entry}`,
    doc: entry.startsWith('plugins/') ? '' : plain(doc),
    names: names.sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function readName(project: Project, name: string, symbol: TypeScriptSymbol): DocumentedName {
  const nodes = symbol.declarations.flatMap((handle) => handle.resolve(project) ?? []);
  const members = nodes.flatMap((node) =>
    isClassDeclaration(node) || isInterfaceDeclaration(node) ? [...node.members] : [],
  );
  const doc = nodes.map(docOf).find((text) => text !== '') ?? '';
  return {
    name,
    kind: kindOf(nodes),
    doc,
    declarations: nodes.map(headOf),
    members: members.filter(isPublic).map((node) => ({ declaration: plainText(node), doc: docOf(node) })),
  };
}

function kindOf(nodes: readonly Node[]): DocumentedName['kind'] {
  if (nodes.some(isClassDeclaration)) return 'class';
  if (nodes.some(isFunctionDeclaration)) return 'function';
  if (nodes.some(isVariableDeclaration)) return 'const';
  return nodes.some(isInterfaceDeclaration) ? 'interface' : 'type';
}

/** A declaration without what is between its braces. */
function headOf(node: Node): string {
  if (isVariableDeclaration(node)) return `const ${plainText(node)}`;
  const text = plainText(node).replace(/^export (declare )?/, '');
  if (!isClassDeclaration(node) && !isInterfaceDeclaration(node)) return text;
  const [first] = node.members;
  const end = first === undefined ? node.end : first.pos;
  return node
    .getSourceFile()
    .text.slice(node.getStart(), end)
    .replace(/^export (declare )?/, '')
    .replace(/\s*\{\s*\}?$/, '');
}

/** What belongs to the contract: neither private nor an implementation's own. */
function isPublic(node: Node): boolean {
  return !/^(?:private |#|static #|get #)/.test(plainText(node));
}

function plainText(node: Node): string {
  return node.getText().replace(/;$/, '');
}

/** The comment above a declaration; that of a constant stands above its statement. */
function docOf(node: Node): string {
  const at = isVariableDeclaration(node) ? node.parent.parent : node;
  return plain(at.jsDoc?.at(-1)?.getText() ?? '');
}

/** A comment without its stars. */
function plain(comment: string): string {
  return comment
    .replace(/^\s*\/\*\*|\*\/\s*$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
}
