import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HostConfig } from '#host/config/host-config.js';
import { readHostConfig } from '#host/config/read-host-config.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

let temporary: TemporaryFolder;
let serial = 0;

beforeAll(() => {
  temporary = new TemporaryFolder();
});
afterAll(() => temporary.remove());

function read(text: string): HostConfig {
  const base = temporary.write(`base-${serial++}`, { 'host.yaml': text });
  return readHostConfig({ base, env: {} });
}

describe('fronts', () => {
  it('are one, or as many as is said', () => {
    expect(read('admin:').fronts).toBe(1);
    expect(read('fronts: 3').fronts).toBe(3);
    expect(read('fronts: auto').fronts).toBe(Math.max(1, Math.floor(availableParallelism() / 2)));
  });

  it.each([
    ['fronts: 0', /0 is out of bounds: from 1 to 64, or auto/],
    ['fronts: 65', /out of bounds/],
    ['fronts: 1.5', /neither a whole number nor auto/],
    ['fronts: all', /"all" is neither/],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
