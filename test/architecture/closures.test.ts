import { describe, expect, it } from '@jest/globals';
import { readImports } from '#test/architecture/imports.js';
import { repositoryFolder } from '#test/support/paths.js';

const imports = readImports(repositoryFolder, 'host').filter(
  ({ isTypeOnly, isDynamic }) => !isTypeOnly && !isDynamic,
);

/** Everything that is loaded with a file: files of `host/`, modules of Node, packages. */
function closureOf(entry: string): string[] {
  const closure = new Set([entry]);
  for (const file of closure) for (const { from, to } of imports) if (from === file) closure.add(to);
  return [...closure].sort();
}

const isPackage = (name: string) => !name.startsWith('host/') && !name.startsWith('node:');

describe('what is loaded with', () => {
  it('an application in the container: no package, nothing that reads files of configuration', () => {
    for (const entry of ['host/framework.ts', 'host/instance/framework-application.ts']) {
      const closure = closureOf(entry);
      expect(closure.length).toBeGreaterThan(20);
      expect(closure.filter((name) => isPackage(name) || name.startsWith('host/config/'))).toEqual([]);
    }
    expect(closureOf('host/framework.ts')).not.toContain('node:fs');
  });

  it('portico/embedded: no package before a file of configuration is read', () => {
    const closure = closureOf('host/embedded.ts');
    expect(closure).toContain('host/engine/engine-main.ts');
    expect(closure.filter((name) => isPackage(name))).toEqual([]);
  });

  it('a server or a front: nothing of what makes and reads certificates, before one is needed', () => {
    const heavy = /^(acme-client|@peculiar\/x509|pkijs|node-forge|jks-js|axios)/;
    for (const entry of ['host/server/server.ts', 'host/front/main.ts', 'host/cli/main.ts']) {
      const closure = closureOf(entry);
      expect(closure.length).toBeGreaterThan(4);
      expect(closure.filter((name) => heavy.test(name))).toEqual([]);
    }
    expect(closureOf('host/front/main.ts').filter((name) => name.startsWith('host/server/'))).toEqual([]);
  });
});
