import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { PorticoError } from '../errors.js';
import { systemCodeOf } from '../system-error.js';
import type { RedirectSection } from './descriptor.js';
import type { Manifest } from './manifest.js';
import { findPackage, parsePackageReference } from './package-entry.js';
import { quotedName } from './quoted-name.js';

/**
 * Where a bundle begins: every path a descriptor or a `package.json` names is checked here, before anything runs. It
 * must exist, be a regular file (or folder, for static), and lie inside the bundle also after all links are followed.
 * Nothing is opened, so a pipe in the place of the entry blocks nobody.
 */

type Entry = Manifest['entry'];

/** Why an entry cannot be taken. Code `PORTICO_BUNDLE_INVALID`; the message names the path. */
export class EntryError extends PorticoError {
  constructor(message: string, cause?: unknown) {
    super('PORTICO_BUNDLE_INVALID', message, { cause });
    this.name = 'EntryError';
  }
}

/** `main: server.js`. A folder means its `index.js`, a name without extension the file with it, as Node does. */
export function mainEntry(folder: string, main: string): Entry {
  const given = inside(folder, main, 'main');
  const stat = existing(given);
  const indexes = ['index.js', 'index.mjs', 'index.cjs'].map((name) => join(given, name));
  const extended = ['.js', '.mjs', '.cjs'].map((extension) => given + extension);
  const file = stat?.isDirectory()
    ? indexes.find(isThere)
    : stat === undefined
      ? extended.find(isThere)
      : given;
  if (file === undefined) {
    const why = stat?.isDirectory() ? 'is a folder without index.js' : 'does not exist in the bundle';
    throw new EntryError(`main ${quotedName(main)} ${why}: name the file the program begins with`);
  }
  requireFile(folder, file, `main ${quotedName(main)}`);
  return { kind: 'main', main: file };
}

/** `modules: [dist/shop.js#shopModule]`; also a package in `node_modules` of the bundle, `@acme/shop#module`. */
export function modulesEntry(folder: string, modules: readonly string[]): Entry {
  const checked = modules.map((module) => {
    const [path = '', ...names] = module.trim().split('#');
    if (names.length > 1 || names[0] === '') {
      throw new EntryError(`module ${quotedName(module)} is not of the form file#function`);
    }
    const packageReference = parsePackageReference(path);
    if (packageReference !== undefined && existing(join(folder, path)) === undefined) {
      const found = findPackage(folder, packageReference);
      if (found === join(folder, 'node_modules', packageReference.name)) return module.trim();
    }
    const file = inside(folder, path, 'module');
    requireFile(folder, file, `module ${quotedName(module)}`);
    const relative = normalize(path).replaceAll('\\', '/').replace(/^\.\//, '');
    return [relative, ...names].join('#');
  });
  return { kind: 'modules', modules: checked };
}

/** `static: public`; `.` is the whole bundle. */
export function staticEntry(folder: string, path: string): Entry {
  const target =
    normalize(path) === '.' || normalize(path) === './' ? folder : inside(folder, path, 'static');
  const stat = existing(target);
  if (stat === undefined) throw new EntryError(`static ${quotedName(path)} does not exist in the bundle`);
  if (!stat.isDirectory())
    throw new EntryError(`static ${quotedName(path)} is not a folder: name the folder of the files`);
  requireInside(folder, target, `static ${quotedName(path)}`);
  return { kind: 'static', folder: target };
}

/** `upstream: http://127.0.0.1:9000`, or a list of such. */
export function upstreamEntry(texts: readonly string[]): Entry {
  const urls = texts.map((text) => webAddress(text, 'upstream'));
  const twice = urls.find((url, index) => urls.indexOf(url) !== index);
  if (twice !== undefined) throw new EntryError(`upstream ${twice} stands twice in the list: keep one`);
  return { kind: 'upstream', urls };
}

/**
 * `command: [python3, app.py]`. A program named with a slash, `./run.sh`, is a file of the bundle and must be executable; an
 * absolute path is one of the machine, and like a bare name it is looked for when it starts.
 */
export function commandEntry(folder: string, command: readonly string[], listen: 'port' | 'socket'): Entry {
  const [program = '', ...args] = command;
  if (isAbsolute(program) || !program.includes('/')) return { kind: 'command', command, listen };
  const file = inside(folder, program, 'command');
  requireFile(folder, file, `command ${quotedName(program)}`);
  if ((statSync(file).mode & 0o111) === 0) {
    throw new EntryError(
      `command ${quotedName(program)} is not executable: chmod +x it, or name its interpreter`,
    );
  }
  return { kind: 'command', command: [file, ...args], listen };
}

/** Scheme, host, port and path at most; without a slash at the end. */
function webAddress(text: string, what: 'upstream' | 'redirect'): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new EntryError(`${what} ${quotedName(text)} is not a URL: write http://host:port`, cause);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new EntryError(`${what} ${quotedName(text)} is not http or https: write http://host:port`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new EntryError(
      `${what} ${url.origin} has a user, query or fragment: write http://host:port and a path at most`,
    );
  }
  return url.href.replace(/\/$/, '');
}

/** `redirect: https://new.example/shop`, or a section with more to say. A path means the host that was asked. */
export function redirectEntry({ to, status, path }: RedirectSection): Entry {
  const redirect = { kind: 'redirect', status, keepsPath: path === 'keep' } as const;
  if (to.startsWith('/')) {
    // A browser takes `//host` and `/\host` for another host.
    if (/^\/[/\\]|[^\x21-\x7e]|[?#\\]/.test(to)) {
      throw new EntryError(
        `redirect ${quotedName(to)} is not a path: write /path, percent-encoded, or a URL`,
      );
    }
    return { ...redirect, to: to.replace(/\/+$/, '') };
  }
  return { ...redirect, to: webAddress(to, 'redirect') };
}

/**
 * What a bundle is that names no entry. With a `package.json`: a Node server with `index.js` or `server.js`, else a
 * static site. Without: a folder with `index.html` is a static site, one with `index.js` or `server.js` a Node server.
 */
export function detectEntry(folder: string, hasPackage: boolean): Entry {
  const program = ['index.js', 'index.mjs', 'index.cjs', 'server.js', 'server.mjs', 'server.cjs'];
  const order = hasPackage ? [...program, 'index.html'] : ['index.html', ...program];
  const found = order.find((name) => isThere(join(folder, name)));
  if (found === undefined) {
    const looked = `looked for application.conf, application.yaml, package.json, index.html, index.js and server.js; found ${listing(folder)}`;
    throw new EntryError(`the bundle does not say how it answers: ${looked}`);
  }
  return found === 'index.html' ? staticEntry(folder, '.') : mainEntry(folder, found);
}

/** Absolute path of `path`, which must not leave the folder by its text. */
function inside(folder: string, path: string, what: string): string {
  const name = `${what} ${quotedName(path)}`;
  if (path.includes('\0')) throw new EntryError(`${name} contains a NUL character`);
  if (path.trim() === '') throw new EntryError(`${name} is empty: name a file of the bundle`);
  if (isAbsolute(path) || /^[A-Za-z]:|^\\/.test(path)) {
    throw new EntryError(`${name} is absolute: name it relative to the bundle`);
  }
  const clean = normalize(path);
  if (clean === '..' || clean.startsWith(`..${sep}`)) {
    throw new EntryError(`${name} leads out of the bundle: name a file inside it`);
  }
  return join(folder, clean);
}

function requireFile(folder: string, file: string, name: string): void {
  const stat = existing(file);
  if (stat === undefined) throw new EntryError(`${name} does not exist in the bundle`);
  if (!stat.isFile()) throw new EntryError(`${name} is not a regular file`);
  requireInside(folder, file, name);
}

function requireInside(folder: string, path: string, name: string): void {
  const root = realpathSync(folder);
  const real = realpathSync(path);
  if (real !== root && !real.startsWith(root + sep)) {
    throw new EntryError(`${name} is a link out of the bundle: put the file itself into the bundle`);
  }
}

/** Follows links; undefined for what is not there, also behind a broken or looping link. */
function existing(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
    throw new EntryError(`${quotedName(path)} cannot be read (${String(code)})`, error);
  }
}

/** A broken link counts: what it was meant to be is then reported missing, and nothing else is taken for it. */
function isThere(path: string): boolean {
  if (existing(path)?.isFile() === true) return true;
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOTDIR' || systemCodeOf(error) === 'ENAMETOOLONG') return false;
    throw error;
  }
}

function listing(folder: string): string {
  const names = readdirSync(folder).sort();
  if (names.length === 0) return 'an empty folder';
  const shown = names.slice(0, 5).map(quotedName).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
