import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ADMIN_TOKEN_FILE, isSameToken, loadAdminToken } from '#host/admin/admin-token.js';
import { temporaryFolder } from '#test/support/deployment-specs.js';

let run: string;
beforeEach(() => {
  run = temporaryFolder('token');
});
afterEach(() => rmSync(run, { recursive: true, force: true }));

describe('the admin token', () => {
  it('is made once, for its owner alone', () => {
    const folder = join(run, 'new');
    const token = loadAdminToken(folder);
    const file = join(folder, ADMIN_TOKEN_FILE);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(readFileSync(file, 'utf8')).toBe(`${token}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(loadAdminToken(folder)).toBe(token);
    chmodSync(file, 0o644);
    expect(loadAdminToken(folder)).toBe(token);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each(['', 'short', 'G'.repeat(64)])('is not %j, which may stand in the file', (text) => {
    writeFileSync(join(run, ADMIN_TOKEN_FILE), text);
    expect(() => loadAdminToken(run)).toThrow(
      expect.objectContaining({ code: 'PORTICO_ADMIN_TOKEN_INVALID' }),
    );
  });

  it('cannot be made where the run folder is a file', () => {
    writeFileSync(join(run, 'file'), '');
    expect(() => loadAdminToken(join(run, 'file'))).toThrow(
      expect.objectContaining({ code: 'PORTICO_RUN_FOLDER' }),
    );
  });

  it('is compared whole', () => {
    expect(isSameToken('abc', 'abc')).toBe(true);
    for (const other of ['', 'ab', 'abcd', 'abd']) expect(isSameToken(other, 'abc')).toBe(false);
  });
});
