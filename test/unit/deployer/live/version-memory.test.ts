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
    return new VersionMemory(path, { info: note, warn: note, error: note });
  };
  const file = () => join(folder.path, 'versions.json');

  it('gives each version of each context a pin of its own, the same after a restart', () => {
    const first = memory();
    const pins = [
      first.pinOf('/shop', 'shop##1'),
      first.pinOf('/shop', 'shop##2'),
      first.pinOf('/blog', 'shop##1'),
      first.pinOf('blog.example/', 'shop##1'),
    ];
    expect(new Set(pins).size).toBe(4);
    for (const pin of pins) expect(pin).toMatch(/^[\w-]{22}$/);
    expect(memory().pinOf('/shop', 'shop##1')).toBe(pins[0]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(memory(join(folder.path, 'other')).pinOf('/shop', 'shop##1')).not.toBe(pins[0]);
  });

  it('knows how the canary of a content ended, until it is forgotten or has other content', () => {
    memory().decide('shop##2', 'key', 'aborted');
    expect(memory().decisionOf('shop##2', 'key')).toBe('aborted');
    expect(memory().decisionOf('shop##2', 'other key')).toBeUndefined();
    expect(memory().decisionOf('shop##3', 'key')).toBeUndefined();
    memory().decide('shop##2', 'key', undefined);
    expect(memory().decisionOf('shop##2', 'key')).toBeUndefined();
    memory().decide('shop##2', 'key', 'promoted');
    memory().forget('shop##2');
    expect(memory().decisionOf('shop##2', 'key')).toBeUndefined();
  });

  it('says why a content is not tried again, until it is pardoned', () => {
    for (const decision of ['aborted', 'returned'] as const) {
      memory().decide('shop##2', 'key', decision);
      expect(memory().whyNot('shop##2', 'key')).toMatch(/aborted|probation/);
      expect(memory().whyNot('shop##2', 'other key')).toBeUndefined();
      memory().pardon('shop##2', 'key');
      expect(memory().whyNot('shop##2', 'key')).toBeUndefined();
    }
    memory().decide('shop##2', 'key', 'promoted');
    memory().pardon('shop##2', 'key');
    expect(memory().decisionOf('shop##2', 'key')).toBe('promoted');
  });

  it('begins anew, and says so, when its file is broken', () => {
    writeFileSync(file(), '{"format":1');
    expect(memory().pinOf('/shop', 'shop##1')).toMatch(/^[\w-]{22}$/);
    expect(lines).toEqual([expect.stringContaining('versions.json cannot be used')]);
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toMatchObject({ format: 1, decisions: [] });
  });
});
