import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SocketFolder } from '#host/supervisor/socket-folder.js';
import { MAX_SOCKET_PATH_BYTES } from '#host/unix-socket-path.js';
import { temporaryFolder } from '#test/support/deployment-specs.js';

let base: string;
beforeEach(() => {
  base = temporaryFolder('sockets');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('the socket folder', () => {
  it.each([
    ['short', 'run'],
    ['long', `${'long-folder-name/'.repeat(6)}run`],
    ['long in bytes, not in characters', `${'ü'.repeat(40)}/run`],
  ])('takes sockets and is private when the run folder is %s', async (_, name) => {
    const run = join(base, name);
    const folder = new SocketFolder(run);
    expect(statSync(folder.path).mode & 0o777).toBe(0o700);
    const paths = [folder.next(), folder.next()];
    expect(new Set(paths).size).toBe(2);
    for (const path of paths) {
      expect(Buffer.byteLength(path)).toBeLessThanOrEqual(MAX_SOCKET_PATH_BYTES);
      const server = createServer().listen(path);
      await once(server, 'listening');
      server.close();
    }
    expect(folder.path.startsWith(name === 'run' ? run : tmpdir())).toBe(true);
    folder.remove();
    expect(existsSync(folder.path)).toBe(false);
  });

  it('removes what a killed server has left, and nothing of a living one', () => {
    const dead = join(base, 'x-999999999-abc');
    const living = join(base, `x-${process.ppid}-abc`);
    for (const folder of [dead, living]) mkdirSync(folder);
    new SocketFolder(base).remove();
    expect([existsSync(dead), existsSync(living)]).toEqual([false, true]);
  });
});
