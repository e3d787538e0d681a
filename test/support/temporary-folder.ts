import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder of its own for a test, removed by `remove`. */
export class TemporaryFolder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'portico-test-')));

  /** Absolute path of something in it. */
  at(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Writes files, folders included; gives the absolute path of `folder`. */
  write(folder: string, files: Readonly<Record<string, string | Buffer>>): string {
    mkdirSync(this.at(folder), { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      const file = this.at(folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    return this.at(folder);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
