import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SourceWatch } from '#host/engine/reload/source-watch.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

describe('SourceWatch', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
    folder.write('.', {
      'src/a.js': 'a',
      'src/deep/b.js': 'b',
      'src/node_modules/c.js': 'c',
      'src/.hidden/d.js': 'd',
      'other/e.js': 'e',
    });
  });
  afterEach(() => folder.remove());

  const write = (name: string, text: string): void => writeFileSync(folder.at(name), text);

  it('tells each change once: content, new files, removed files', () => {
    const watch = new SourceWatch(['src'], folder.path);
    expect([watch.fileCount, watch.hasChanged()]).toEqual([2, false]);
    write('src/deep/b.js', 'changed');
    expect([watch.hasChanged(), watch.hasChanged()]).toEqual([true, false]);
    write('src/new.js', '');
    expect(watch.hasChanged()).toBe(true);
    rmSync(folder.at('src/a.js'));
    expect([watch.hasChanged(), watch.hasChanged()]).toEqual([true, false]);
  });

  it('does not look into node_modules, hidden folders and what was not named', () => {
    const watch = new SourceWatch(['src'], folder.path);
    write('src/node_modules/c.js', 'changed');
    write('src/.hidden/d.js', 'changed');
    write('other/e.js', 'changed');
    expect(watch.hasChanged()).toBe(false);
  });

  it('takes what is no path as part of paths, without regard to case', () => {
    const watch = new SourceWatch(['DEEP/'], folder.path);
    expect(watch.fileCount).toBe(1);
    write('src/deep/b.js', 'changed');
    expect(watch.hasChanged()).toBe(true);
    expect(new SourceWatch(['no such thing'], folder.path).fileCount).toBe(0);
  });

  it('survives that everything is removed', () => {
    const watch = new SourceWatch(['src'], folder.path);
    rmSync(folder.at('src'), { recursive: true });
    expect([watch.hasChanged(), watch.hasChanged()]).toEqual([true, false]);
  });

  it('follows links, also in a circle, and passes by what leads nowhere', () => {
    symlinkSync(folder.at('other'), folder.at('src/linked'));
    symlinkSync(folder.at('src'), folder.at('src/circle'));
    const watch = new SourceWatch(['src'], folder.path);
    write('other/e.js', 'changed');
    expect([watch.hasChanged(), watch.hasChanged()]).toEqual([true, false]);
    symlinkSync('itself', folder.at('src/itself'));
    symlinkSync('nowhere', folder.at('src/nowhere'));
    expect(watch.hasChanged()).toBe(false);
    expect(new SourceWatch(['a\0b', 'x'.repeat(5000)], folder.path).fileCount).toBe(0);
  });

  it('looks at a bounded number of files, also when none of them matches', () => {
    const watch = new SourceWatch(['no such thing'], folder.path, 4);
    expect([watch.fileCount, watch.isCut]).toEqual([0, true]);
    expect(new SourceWatch(['src'], folder.path, 4).isCut).toBe(false);
  });

  it('is quiet when a wave of changes is over', async () => {
    const watch = new SourceWatch(['src'], folder.path);
    let writes = 0;
    const timer = setInterval(() => {
      write('src/a.js', 'x'.repeat(++writes));
      if (writes === 5) clearInterval(timer);
    }, 20);
    await watch.quiet();
    expect(writes).toBe(5);
    expect(watch.hasChanged()).toBe(false);
  });
});
