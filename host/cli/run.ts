import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineMain } from '../engine/engine-main.js';
import { messageOf, PorticoError } from '../errors.js';
import { providePackage } from './provided-package.js';

const HELP = `Usage: portico run [folder] [options]

run one framework application on its own, without the host; folder is the exploded bundle (default: here)

Options:
  -config=FILE     configuration; may be repeated, later files win (default: application.conf, .yaml, .json of the folder)
  -port=NUMBER     port; 0 picks a free one
  -host=ADDRESS    address to listen on (default: 0.0.0.0)
  -path=/SHOP      path under which the application is served
  -watch=A,B       parts of paths that are watched in development mode
  -P:KEY=VALUE     a property of the configuration, such as -P:portico.development=true
  -sslPort=NUMBER  port for https; the key store is portico.security.ssl.keyStore of the configuration
  -sslKeyStore=FILE  the key store: PKCS #12, or PEM with key and certificates
`;

/** `portico run [folder] -port=…`: `EngineMain` on an exploded bundle. Ends the process when the server has stopped. */
export async function run(args: readonly string[]): Promise<void> {
  if (args.some((argument) => argument === '--help' || argument === '-h')) {
    process.stdout.write(HELP);
    return;
  }
  const [first, ...others] = args.filter((argument) => !argument.startsWith('-'));
  if (others.length > 0)
    throw new PorticoError(
      'PORTICO_ARGUMENT_INVALID',
      `portico run takes one folder, not ${[first, ...others].join(' and ')}. Options begin with a dash: -port=8080`,
    );
  const folder = resolve(first ?? '.');
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new PorticoError(
      'PORTICO_FOLDER_MISSING',
      `There is no folder ${folder}. Name the folder of an exploded bundle.`,
    );
  // What an application reads relative to its working directory is found as in the container.
  const flags = args
    .filter((argument) => argument.startsWith('-'))
    .map((argument) => fromHere(argument, folder));
  process.chdir(folder);
  providePackage(folder);
  try {
    await EngineMain.main(flags, { folder, requiresModules: true });
  } catch (error) {
    throw error instanceof PorticoError ? error : failed(error);
  }
  // The application has stopped: a timer or a connection that it has left open does not keep its process.
  process.exit();
}

/** What the application threw; its stack is for its developer. */
function failed(cause: unknown): PorticoError {
  if (cause instanceof Error) process.stderr.write(`${cause.stack}\n`);
  return new PorticoError(
    'PORTICO_MODULE_FAILED',
    `The application could not be started: ${messageOf(cause)}`,
    {
      cause,
    },
  );
}

/** `-config=FILE` named relative to the working directory of the caller, where there is such a file. */
function fromHere(argument: string, folder: string): string {
  const match = /^(--?config=)(.+)$/s.exec(argument);
  const [, flag = '', file = ''] = match ?? [];
  if (match === null || statSync(resolve(folder, file), { throwIfNoEntry: false }) !== undefined)
    return argument;
  return flag + resolve(file);
}
