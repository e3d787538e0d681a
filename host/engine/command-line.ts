import { PorticoError } from '../errors.js';

/** What the command line of an application on its own says. */
export interface CommandLine {
  /** `-config=FILE`, in order; later files override earlier ones. */
  readonly configFiles: readonly string[];
  /** `-P:key=value`, in order. */
  readonly properties: readonly (readonly [path: string, value: string])[];
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly sslPort: number | undefined;
  readonly sslKeyStore: string | undefined;
  /** `-path=/shop`: the root path. */
  readonly path: string | undefined;
  /** `-watch=a,b`. */
  readonly watch: readonly string[] | undefined;
  /** Arguments that mean nothing, such as a misspelt flag, without their values; and flags that have none. */
  readonly unknown: readonly string[];
}

/**
 * Reads `-config=`, `-P:key=`, `-host=`, `-port=`, `-sslPort=`, `-sslKeyStore=`, `-path=` and `-watch=`; a second dash is
 * allowed. Of a flag given twice the last one counts; arguments without `=` mean nothing. Throws `PORTICO_ARGUMENT_INVALID`.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const flags = new Map<string, string>();
  const configFiles: string[] = [];
  const properties: [string, string][] = [];
  const unknown: string[] = [];
  for (const argument of args) {
    const match = /^--?([^=]+)=(.*)$/s.exec(argument);
    const [, flag = '', value = ''] = match ?? [];
    if (match === null) {
      if (isFlagWithoutValue(argument)) unknown.push(`${argument} without =`);
      continue;
    }
    if (flag === 'config') configFiles.push(value);
    else if (flag.startsWith('P:')) properties.push([propertyPath(flag), value]);
    else if (FLAGS.includes(flag)) flags.set(flag, value);
    else unknown.push(`-${flag}`);
  }
  return {
    configFiles,
    properties,
    host: flags.get('host'),
    port: portOf('port', flags.get('port')),
    sslPort: portOf('sslPort', flags.get('sslPort')),
    sslKeyStore: flags.get('sslKeyStore'),
    path: flags.get('path'),
    watch: flags.has('watch') ? pathList(flags.get('watch') ?? '') : undefined,
    unknown,
  };
}

/** `classes, lib` → `['classes', 'lib']`. */
export function pathList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** `jar` named the class path of an application and means nothing here. */
const FLAGS: readonly string[] = ['host', 'port', 'sslPort', 'sslKeyStore', 'path', 'watch', 'jar'];

/** Other arguments without `=` belong to whoever wrote the program. */
function isFlagWithoutValue(argument: string): boolean {
  const [, flag = ''] = /^--?(.*)$/s.exec(argument) ?? [];
  return flag.startsWith('P:') || flag === 'config' || FLAGS.includes(flag);
}

function propertyPath(flag: string): string {
  const path = flag.slice(2);
  if (path.split('.').includes(''))
    throw new PorticoError(
      'PORTICO_ARGUMENT_INVALID',
      `-${flag} does not name a property: write -P:key=value, with dots between the parts of the key`,
    );
  return path;
}

function portOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new PorticoError(
    'PORTICO_ARGUMENT_INVALID',
    `-${flag}=${text} is not a port: write a number from 0 to 65535; 0 picks a free one`,
  );
}
