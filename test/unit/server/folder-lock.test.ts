import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { processIdentity } from '#host/process-alive.js';
import { FolderLock } from '#host/server/folder-lock.js';
import { readRunFile, removeRunFile, writeRunFile } from '#host/server/run-file.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

/** A process that is alive as long as the test is. */
const ALIVE = process.ppid;

describe('a folder that belongs to one server', () => {
  let folder: TemporaryFolder;
  let said: string[];
  beforeEach(() => {
    folder = new TemporaryFolder();
    said = [];
  });
  afterEach(() => folder.remove());

  const take = (path = folder.path) =>
    FolderLock.take(path, { warn: (_fields: object, message: string) => void said.push(message) });
  const write = (content: unknown) =>
    writeFileSync(
      join(folder.path, 'server.lock'),
      typeof content === 'string' ? content : JSON.stringify(content),
    );

  it('is free again when it is released, and not before', () => {
    const lock = take();
    expect(() => take()).toThrow(/^Another server has the folder .*\(process \d+\)/);
    lock?.release();
    expect(readdirSync(folder.path)).toEqual([]);
    take()?.release();
  });

  it.each([
    ['a process that is gone', { pid: 2 ** 30 }],
    ['an earlier process with the id of one that runs', { pid: ALIVE, identity: 'boot/1' }],
    ['an earlier process with our own id', { pid: process.pid, identity: 'boot/1' }],
    ['nobody can tell whom', '{"pid":'],
    ['nothing', ''],
  ])('is taken over from %s', (_, content) => {
    write(content);
    const lock = take();
    expect(readFileSync(join(folder.path, 'server.lock'), 'utf8')).toContain(`"pid":${process.pid}`);
    lock?.release();
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('stays with a process that runs', () => {
    write({ pid: ALIVE, identity: processIdentity(ALIVE) });
    expect(() => take()).toThrow(`(process ${ALIVE})`);
    write({ pid: ALIVE });
    expect(() => take()).toThrow(`(process ${ALIVE})`);
    expect(readdirSync(folder.path)).toEqual(['server.lock']);
  });

  it('is used without it when it cannot be written', () => {
    expect(take(join(folder.path, 'missing'))).toBeUndefined();
    expect(said).toEqual([expect.stringMatching(/server\.lock cannot be written .*no other server/)]);
  });
});

describe('the run file', () => {
  it('is that of a server that runs, not of an earlier process with the same id', () => {
    const folder = new TemporaryFolder();
    const content = { pid: ALIVE, admin: { host: '::1', port: 1 }, connectors: [], startedAt: '' };
    writeRunFile(folder.path, content);
    expect(readRunFile(folder.path)).toMatchObject(content);
    writeRunFile(folder.path, { ...content, identity: 'boot/1' });
    expect(readRunFile(folder.path)).toEqual(
      processIdentity(ALIVE) === undefined ? expect.objectContaining(content) : undefined,
    );
    removeRunFile(folder.path);
    expect(readRunFile(folder.path)).toBeUndefined();
    folder.remove();
  });
});
