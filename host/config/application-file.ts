import { realpathSync } from 'node:fs';
import { dirname, extname, join, resolve, sep } from 'node:path';
import { PorticoError } from '../errors.js';
import { systemCodeOf } from '../system-error.js';
import { type ConfigPath, formatPath } from './config-error.js';
import type { HoconInclude } from './hocon/hocon-parser.js';
import type { Variables } from './interpolate.js';
import { isRecord } from './is-record.js';
import { readSmallText } from './read-text.js';
import type { ConfigDocument } from './yaml-document.js';

/** Names of the developer's configuration, in the order they are looked for. */
export const APPLICATION_FILES = [
  'application.conf',
  'application.yaml',
  'application.yml',
  'application.json',
  'application.properties',
] as const;

/** How a file is read. */
export interface ApplicationFileSource {
  /** Absolute path; the extension says what it is: `.yaml`, `.yml`, `.conf`, `.json`, `.properties`. */
  readonly file: string;
  /** What substitutions see. */
  readonly variables: Variables;
  /** Folder that included files must not leave, also by links; default: no bound. */
  readonly within?: string | undefined;
}

/**
 * Reads a configuration file of an application, substitutions put in. Loads the parser of that kind of file when it is
 * first needed. Throws PorticoError of `readSmallText`, or `PORTICO_CONFIG_KIND` for another extension; what is wrong
 * inside the file is in `problems`.
 */
export async function readApplicationFile(source: ApplicationFileSource): Promise<ConfigDocument> {
  const { file, variables } = source;
  switch (extname(file)) {
    case '.yaml':
    case '.yml': {
      const { parseConfigDocument } = await import('./yaml-document.js');
      const { substituteValues } = await import('./substitute.js');
      return substituteValues(parseConfigDocument(readSmallText(file), file, undefined, 'exact'), variables);
    }
    case '.conf':
    case '.json':
    case '.properties': {
      const { parseHoconDocument } = await import('./hocon/hocon-document.js');
      const include = await includesOf(source);
      return parseHoconDocument(readSmallText(file), file, variables, include);
    }
    default:
      throw new PorticoError(
        'PORTICO_CONFIG_KIND',
        `${file} is of no kind that is read: name a file that ends in .yaml, .yml, .conf, .json or .properties`,
      );
  }
}

/**
 * Where each value of a document stands, by its dotted path: `application.yaml:3`, relative to the folder of the
 * document. Lists count as a whole and by item.
 */
export function originsOf(document: ConfigDocument): Record<string, string> {
  const folder = dirname(document.file) + sep;
  const origins: Record<string, string> = {};
  const visit = (value: unknown, path: ConfigPath): void => {
    if (isRecord(value)) for (const [key, item] of Object.entries(value)) visit(item, [...path, key]);
    else if (Array.isArray(value)) value.forEach((item, index) => void visit(item, [...path, index]));
    if (path.length === 0) return;
    const { file, line } = document.problem(path, '');
    const shown = file.startsWith(folder) ? file.slice(folder.length) : file;
    origins[path.join('.')] = line === undefined ? shown : `${shown}:${line}`;
  };
  visit(document.data, []);
  return origins;
}

/** Paths of texts with `${` behind their beginning, which `substituteValues` leaves as they are. */
export function pathsWithReferences(data: unknown): string[] {
  const found: string[] = [];
  const visit = (value: unknown, path: ConfigPath): void => {
    if (typeof value === 'string' && /[^$]\$\{/.test(value)) found.push(formatPath(path));
    if (isRecord(value)) for (const [key, item] of Object.entries(value)) visit(item, [...path, key]);
    else if (Array.isArray(value)) value.forEach((item, index) => void visit(item, [...path, index]));
  };
  visit(data, []);
  return found;
}

/** Included files lie relative to the one that includes them, `classpath` relative to the first one. */
async function includesOf({ file, within }: ApplicationFileSource): Promise<HoconInclude> {
  const { HoconError } = await import('./hocon/hocon-text.js');
  return (name, kind, place) => {
    const from = dirname(kind === 'classpath' ? file : place.file);
    const names = extname(name) === '' ? ['.conf', '.json', '.properties'].map((end) => name + end) : [name];
    for (const candidate of names) {
      if (!/\.(?:conf|json|properties)$/.test(candidate))
        throw new HoconError(
          place,
          `${JSON.stringify(name)} cannot be included: name a .conf, .json or .properties file`,
        );
      const path = kind === 'classpath' ? join(from, candidate) : resolve(from, candidate);
      try {
        if (within !== undefined && !realpathSync(path).startsWith(realpathSync(within) + sep))
          throw new HoconError(
            place,
            `${JSON.stringify(name)} is not inside the bundle: include files of the bundle only`,
          );
        return { text: readSmallText(path), file: path };
      } catch (error) {
        const cause = error instanceof PorticoError ? error.cause : error;
        if (systemCodeOf(cause) === 'ENOENT') continue;
        if (error instanceof PorticoError) throw new HoconError(place, error.message);
        throw error;
      }
    }
    return undefined;
  };
}
