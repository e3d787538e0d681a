import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { VersionMemory } from '#host/deployer/live/version-memory.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

describe('what is remembered of versions', () => {
  let folder: TemporaryFolder;
  let lines: string[];
  beforeEach(() => {
    folder = new TemporaryFolder();
    lines = [];
  });
  afterEach(() => folder.remove());

  const memory = (path = folder.path) => {
    const note = (_fields: object, message: string) => void lines.push(message);
    return VersionMemory.open(path, { info: note, warn: note, error: note });
  };
  /** What the next start of the server finds when this is all that it is told. */
  const restartedAfter = async (change: (memory: VersionMemory) => void) => {
    const changed = await memory();
    change(changed);
    await changed.saved;
    return memory();
  };
  const file = () => join(folder.path, 'versions.json');

  it('gives each version of each context a pin of its own, the same after a restart', async () => {
    const first = await memory();
    const pins = [
      first.pinOf('/shop', 'shop##1'),
      first.pinOf('/shop', 'shop##2'),
      first.pinOf('/blog', 'shop##1'),
      first.pinOf('blog.example/', 'shop##1'),
    ];
    expect(new Set(pins).size).toBe(4);
    for (const pin of pins) expect(pin).toMatch(/^[\w-]{22}$/);
    await first.saved;
    expect((await memory()).pinOf('/shop', 'shop##1')).toBe(pins[0]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const elsewhere = await memory(join(folder.path, 'other'));
    expect(elsewhere.pinOf('/shop', 'shop##1')).not.toBe(pins[0]);
    await elsewhere.saved;
  });

  it('knows how the canary of a content ended, until it is forgotten or has other content', async () => {
    const aborted = await restartedAfter((one) => one.decide('shop##2', 'key', 'aborted'));
    expect(aborted.decisionOf('shop##2', 'key')).toBe('aborted');
    expect(aborted.decisionOf('shop##2', 'other key')).toBeUndefined();
    expect(aborted.decisionOf('shop##3', 'key')).toBeUndefined();
    const undecided = await restartedAfter((one) => one.decide('shop##2', 'key', undefined));
    expect(undecided.decisionOf('shop##2', 'key')).toBeUndefined();
    const promoted = await restartedAfter((one) => one.decide('shop##2', 'key', 'promoted'));
    expect(promoted.decisionOf('shop##2', 'key')).toBe('promoted');
    const gone = await restartedAfter((one) => one.forget('shop##2'));
    expect(gone.decisionOf('shop##2', 'key')).toBeUndefined();
  });

  it('says why a content is not tried again, until it is pardoned', async () => {
    for (const decision of ['aborted', 'returned'] as const) {
      const decided = await restartedAfter((one) => one.decide('shop##2', 'key', decision));
      expect(decided.whyNot('shop##2', 'key')).toMatch(/aborted|probation/);
      expect(decided.whyNot('shop##2', 'other key')).toBeUndefined();
      const pardoned = await restartedAfter((one) => one.pardon('shop##2', 'key'));
      expect(pardoned.whyNot('shop##2', 'key')).toBeUndefined();
    }
    await restartedAfter((one) => one.decide('shop##2', 'key', 'promoted'));
    const promoted = await restartedAfter((one) => one.pardon('shop##2', 'key'));
    expect(promoted.decisionOf('shop##2', 'key')).toBe('promoted');
  });

  it('begins anew, and says so, when its file is broken', async () => {
    writeFileSync(file(), '{"format":1');
    const anew = await memory();
    expect(lines).toEqual([expect.stringMatching(/versions\.json is broken; .* clients get new cookies/)]);
    expect(anew.pinOf('/shop', 'shop##1')).toMatch(/^[\w-]{22}$/);
    await anew.saved;
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ format: 1, decisions: [] });
  });
});
