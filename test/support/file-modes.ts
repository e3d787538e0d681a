import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * What to put before a command so that it has to obey the modes of files. Root need not obey them; without the
 * capabilities for that it must, and still is root. Throws when that cannot be had: a test would say nothing then.
 */
export function obeyingFileModes(): readonly string[] {
  const dropped = '-dac_override,-dac_read_search';
  const prefix =
    process.getuid?.() === 0 ? ['setpriv', `--bounding-set=${dropped}`, `--inh-caps=${dropped}`] : [];
  const folder = mkdtempSync(join(tmpdir(), 'portico-modes-'));
  chmodSync(folder, 0o555);
  const [program = 'touch', ...rest] = [...prefix, 'touch', join(folder, 'file')];
  const { status, error, stderr } = spawnSync(program, rest, { encoding: 'utf8' });
  rmSync(folder, { recursive: true, force: true });
  if (status !== null && /ermission denied/.test(stderr)) return prefix;
  throw new Error(`file modes are not obeyed here: exit ${status}, ${error?.message ?? stderr}`);
}
