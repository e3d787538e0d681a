import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileWatch } from '#host/server/certificates/file-watch.js';
import { until } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

describe('FileWatch', () => {
  let folder: TemporaryFolder;
  let watch: FileWatch | undefined;
  let calls: number;
  beforeEach(() => {
    folder = new TemporaryFolder();
    calls = 0;
  });
  afterEach(() => {
    watch?.close();
    folder.remove();
  });
  const start = (...files: string[]) => {
    watch = new FileWatch(
      files.map((file) => folder.at(file)),
      () => {
        calls += 1;
      },
    );
  };

  /** Writes a file and waits until another watch, which began later, has told of it. */
  const witnessed = async (file: string) => {
    let hasSeen = false;
    const witness = new FileWatch([folder.at(file)], () => {
      hasSeen = true;
    });
    writeFileSync(folder.at(file), 'new');
    await until(() => hasSeen);
    witness.close();
  };

  it('tells of files that are written and of files that are replaced, once they are quiet', async () => {
    folder.write('', { 'a.crt': '1', 'a.key': '1' });
    start('a.crt', 'a.key');
    writeFileSync(folder.at('a.crt'), '2');
    writeFileSync(folder.at('a.key'), '2');
    await until(() => calls > 0);
    const before = calls;
    writeFileSync(folder.at('next'), '3');
    renameSync(folder.at('next'), folder.at('a.crt'));
    await until(() => calls > before);
  });

  it('tells of links that come to lead elsewhere, as clusters mount secrets', async () => {
    for (const version of ['v1', 'v2']) {
      mkdirSync(folder.at(version));
      writeFileSync(folder.at(version, 'tls.crt'), version);
    }
    symlinkSync('v1', folder.at('..data'));
    symlinkSync('..data/tls.crt', folder.at('tls.crt'));
    start('tls.crt');
    symlinkSync('v2', folder.at('..new'));
    renameSync(folder.at('..new'), folder.at('..data'));
    await until(() => calls > 0);
  });

  it('says nothing of other files, of folders that are not there, and after its end', async () => {
    folder.write('', { 'a.crt': '1' });
    start('a.crt', 'missing/b.crt');
    await witnessed('other');
    expect(calls).toBe(0);
    watch?.close();
    await witnessed('a.crt');
    expect(calls).toBe(0);
  });
});
