import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PorticoError } from '../../errors.js';
import { systemCodeOf } from '../../system-error.js';

/**
 * The file of a program: as it is named when there is a slash in it, otherwise the first executable of that name in `path`,
 * the variable `PATH` of its environment. Throws `PORTICO_COMMAND_NOT_FOUND` or `PORTICO_COMMAND_NOT_EXECUTABLE`.
 */
export function findProgram(name: string, path: string): string {
  const isNamed = name.includes('/');
  const places = isNamed ? [name] : path.split(delimiter).map((folder) => join(folder || '.', name));
  let refused: string | undefined;
  for (const place of places) {
    const verdict = executable(place);
    if (verdict === 'yes') return place;
    if (verdict === 'no') refused ??= place;
  }
  if (refused !== undefined) {
    const message = `${refused} is not an executable file: chmod +x it, or name the interpreter before it`;
    throw new PorticoError('PORTICO_COMMAND_NOT_EXECUTABLE', message);
  }
  const where = isNamed ? 'does not exist' : `is in no folder of PATH (${path || 'empty'})`;
  throw new PorticoError(
    'PORTICO_COMMAND_NOT_FOUND',
    `the program ${name} ${where}: install it, or name its path`,
  );
}

function executable(file: string): 'yes' | 'no' | 'absent' {
  try {
    if (!statSync(file).isFile()) return 'no';
    accessSync(file, constants.X_OK);
    return 'yes';
  } catch (error) {
    const code = systemCodeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : 'no';
  }
}
