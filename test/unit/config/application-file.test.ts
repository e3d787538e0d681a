// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the notation of substitutions
import { symlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { originsOf, readApplicationFile } from '#host/config/application-file.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

let temporary: TemporaryFolder;
let serial = 0;
beforeAll(() => {
  temporary = new TemporaryFolder();
});
afterAll(() => temporary.remove());

function read(files: Readonly<Record<string, string>>, variables = {}, within = false) {
  const folder = temporary.write(`files-${serial++}`, files);
  const [name = ''] = Object.keys(files);
  return readApplicationFile({ file: `${folder}/${name}`, variables, within: within ? folder : undefined });
}

describe('substitution in YAML', () => {
  it('replaces values that begin with $, and nothing else', async () => {
    const text =
      'port: 80\na: $port\nb: "${X:d:e}"\nc: "$?X"\nd: "$$5"\ne: http://${X}/\nf: [ $Y ]\ng: "${ktor.p}"\nportico: { p: 1 }\nh: "$port:9"\n';
    const { data, problems } = await read({ 'application.yaml': text }, { Y: 'y' });
    expect(problems).toEqual([]);
    expect(data).toEqual({
      port: 80,
      a: 80,
      b: 'd:e',
      c: null,
      d: '$5',
      e: 'http://${X}/',
      f: ['y'],
      g: 1,
      portico: { p: 1 },
      // With a default only the environment is asked.
      h: '9',
    });
  });

  it('reports every value that cannot be had, with its place and what may have been meant', async () => {
    const { problems } = await read({ 'application.yaml': 'a: $PRT\nb:\n  c: $NONE\n' }, { PORT: '1' });
    expect(problems.map(({ line, path, suggestion }) => [line, path, suggestion])).toEqual([
      [1, 'a', 'PORT'],
      [3, 'b.c', undefined],
    ]);
  });

  it('says what a reference is when text follows it', async () => {
    const { problems } = await read({ 'application.yaml': 'a: "${HOME}/data"\n' }, { HOME: '/h' });
    expect(problems[0]?.message).toMatch(/a reference is the whole value/);
  });
});

describe('readApplicationFile', () => {
  it('keeps numbers of YAML as they are written where reading them would lose something', async () => {
    const text =
      'v: 1.50\nzip: 007\nbig: 9007199254740993\nsha: 123e4\nport: 80\nrate: -1.5\nday: 2020-01-02\n';
    expect((await read({ 'application.yaml': text })).data).toEqual({
      v: '1.50',
      zip: '007',
      big: '9007199254740993',
      sha: '123e4',
      port: 80,
      rate: -1.5,
      day: '2020-01-02',
    });
  });

  it('knows the place of every value, in included files too', async () => {
    const document = await read({
      'application.conf': 'a = 1\ninclude "more"\n',
      'more.conf': '\nb { c = [1,\n2] }\n',
    });
    expect(originsOf(document)).toEqual({
      a: 'application.conf:1',
      b: 'more.conf:2',
      'b.c': 'more.conf:2',
      'b.c.0': 'more.conf:2',
      'b.c.1': 'more.conf:3',
    });
    const yaml = await read({ 'application.yaml': 'a:\n  b: 1\n' });
    expect(originsOf(yaml)).toEqual({ a: 'application.yaml:2', 'a.b': 'application.yaml:2' });
  });

  it('does not let included files leave the folder, also by links', async () => {
    temporary.write('outside', { 'secret.conf': 'secret = 1' });
    for (const name of ['../outside/secret.conf', temporary.at('outside/secret.conf')]) {
      const files = { 'application.conf': `include "${name}"` };
      expect((await read(files, {}, true)).problems[0]?.message).toMatch(/not inside the bundle/);
      expect((await read(files)).data).toEqual({ secret: 1 });
    }
    const folder = temporary.write('linked', { 'application.conf': 'include "link.conf"' });
    symlinkSync(temporary.at('outside/secret.conf'), `${folder}/link.conf`);
    const document = await readApplicationFile({
      file: `${folder}/application.conf`,
      variables: {},
      within: folder,
    });
    expect(document.problems[0]?.message).toMatch(/not inside the bundle/);
  });

  it('includes configuration only', async () => {
    const { problems } = await read({
      'application.conf': 'include "evil.js"',
      'evil.js': 'process.exit(1)',
    });
    expect(problems[0]?.message).toMatch(/cannot be included/);
  });

  it('refuses other kinds, and files that are not there', async () => {
    await expect(read({ 'application.toml': 'a = 1' })).rejects.toMatchObject({
      code: 'PORTICO_CONFIG_KIND',
    });
    const missing = readApplicationFile({ file: temporary.at('none.conf'), variables: {} });
    await expect(missing).rejects.toMatchObject({ code: 'PORTICO_FILE_UNREADABLE' });
  });
});
