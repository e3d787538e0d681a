// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the notation under test
import { describe, expect, it } from '@jest/globals';
import { interpolate } from '#host/config/interpolate.js';
import { parseConfigDocument } from '#host/config/yaml-document.js';

function parse(text: string, env: Record<string, string> = {}) {
  return parseConfigDocument(text, 'x.yaml', env);
}

describe('parseConfigDocument', () => {
  it('gives plain data and the place of each value', () => {
    const document = parse('a: 1\nb:\n  - x\n  - c: [true, null]\n');
    expect(document.problems).toEqual([]);
    expect(document.data).toEqual({ a: 1, b: ['x', { c: [true, null] }] });
    expect(document.problem(['b', 1, 'c', 0], 'm')).toMatchObject({ line: 4, column: 9, path: 'b[1].c[0]' });
    expect(document.problem(['b', 1, 'c'], 'm', { at: 'key' })).toMatchObject({ line: 4, column: 5 });
  });

  it('points at the nearest thing above when the path is not there', () => {
    expect(parse('a:\n  b: 1\n').problem(['a', 'z', 'y'], 'm')).toMatchObject({
      line: 2,
      column: 3,
      path: 'a.z.y',
    });
  });

  it('takes JSON, comments only, and anchors used with measure', () => {
    expect(parse('{"a": {"b": [1, "x"]}}').data).toEqual({ a: { b: [1, 'x'] } });
    expect(parse('# nothing set\n')).toMatchObject({ data: {}, problems: [] });
    expect(parse('a: &x {n: 1}\nb: *x\n').data).toEqual({ a: { n: 1 }, b: { n: 1 } });
    expect(parse('"<<": 1\n').data).toEqual({ '<<': 1 });
    const keys = Array.from({ length: 200 }, (_, index) => `"k${index}": ${index}`);
    expect(Object.keys(parse(`{${keys.join(', ')}}`).data)).toHaveLength(200);
  });

  it.each([
    ['', 1, 1, /empty/],
    [' \n\n', 1, 1, /empty/],
    ['just text', 1, 1, /single value/],
    ['- a\n- b\n', 1, 1, /a list/],
    ['42', 1, 1, /single value/],
    ['a: [1, 2\nb: 3\n', 2, 1, /not valid YAML/],
    ['a: 1\n  b: 2\n', 1, 4, /not valid YAML/],
    ['a: "open\n', 2, 1, /not valid YAML/],
    ['a: 1\n---\nb: 2\n', 2, 1, /second document/],
    ['a: 1\nb: 2\na: 3\n', 3, 1, /there twice/],
    ['a:\n  __proto__: { polluted: 1 }\n', 2, 3, /not allowed as a key/],
    ['a: !!js/function "function () {}"\n', 1, 4, /tag|not valid/i],
    ['a: !custom 1\n', 1, 4, /tag|not valid/i],
    ['a: !!binary aGVsbG8=\n', 1, 0, /tag|not valid/i],
    ['a: *nowhere\n', 1, 4, /anchor|not valid/i],
    ['a: &x\n  b: *x\n', 2, 6, /contains itself/],
    ['a: &x { n: 1 }\nb:\n  <<: *x\n  m: 2\n', 3, 3, /merge keys \(<<\) are not supported/],
    ['a: &x { n: 1 }\nb: { <<: [*x] }\n', 2, 6, /merge keys/],
    ['? [1, 2]\n: x\n', 1, 3, /single word/],
    ['a: ${MISSING}\n', 1, 4, /MISSING is not set/],
  ])('refuses %j with its place', (text, line, column, message) => {
    const [problem] = parse(text).problems;
    expect(problem?.message).toMatch(message);
    expect(problem?.line).toBe(line);
    if (column > 0) expect(problem?.column).toBe(column);
  });

  it('pollutes nothing', () => {
    parse('__proto__: { polluted: true }\nconstructor: { prototype: { polluted: true } }\n');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const { data } = parse('constructor: 1\nhasOwnProperty: 2\n');
    expect(Object.entries(data)).toEqual([
      ['constructor', 1],
      ['hasOwnProperty', 2],
    ]);
  });

  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
    .split('')
    .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`)
    .join('\n')}\n`;
  const fill = (text: string, bytes = 256 * 1024) => text.repeat(Math.floor(bytes / text.length));
  const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}: 1`).join('\n');
  const pyramid = Array.from({ length: 400 }, (_, index) => `${' '.repeat(index)}k:`).join('\n');
  it.each<[string, string]>([
    ['an alias bomb', bomb],
    ['200 aliases of one value', `a: &a 1\nb: [${Array(200).fill('*a').join(',')}]`],
    ['50,000 keys', keys(50_000)],
    ['20,500 keys', keys(20_500)],
    ['brackets without end', fill('[')],
    ['braces without end', fill('{a: ')],
    ['closed brackets', `a: ${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['dashes in a row', fill('- ')],
    ['question marks in a row', fill('? ')],
    ['a pyramid of indentation', pyramid],
    ['closing brackets', fill(']')],
    ['quotes', fill('"')],
    ['directives', fill('%x\n')],
    ['bad escapes', `a: "${fill('\\x')}"`],
    ['tabs for indentation', fill('a:\n\t- b\n')],
    ['colons', fill('a: ')],
    ['anchors', fill('a: &a ')],
  ])('refuses %s soon and in little memory, with its place', (_, text) => {
    const before = process.memoryUsage().rss;
    const started = performance.now();
    const { problems } = parse(text);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 ** 2);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(50);
    expect(problems[0]?.line).toBeGreaterThan(0);
    expect(problems[0]?.column).toBeGreaterThan(0);
  });
});

describe('interpolate', () => {
  const env = { PORT: '8080', EMPTY: '', NESTED: '${PORT}' };

  it.each([
    ['plain', 'plain'],
    ['${PORT}', '8080'],
    ['http://x:${PORT}/${EMPTY}y', 'http://x:8080/y'],
    ['${NONE:fallback}', 'fallback'],
    ['${NONE:http://a:1}', 'http://a:1'],
    ['${NONE:}', ''],
    ['${EMPTY:x}', ''],
    ['${NESTED}', '${PORT}'],
    ['$${PORT}', '${PORT}'],
    ['${?NONE}', null],
    ['a${?NONE}b', 'ab'],
    ['$PORT costs $5', '$PORT costs $5'],
  ])('%j becomes %j', (text, value) => expect(interpolate(text, env)).toEqual({ ok: true, value }));

  it('names what is missing, and what was probably meant', () => {
    expect(interpolate('${PROT}', env)).toMatchObject({
      ok: false,
      message: expect.stringContaining('PROT'),
      suggestion: 'PORT',
    });
    expect(interpolate('${constructor}', env)).toMatchObject({ ok: false });
  });

  it.each(['${', '${}', '${PORT', '${a b}', '${1}', '${-x}'])('refuses %j', (text) => {
    expect(interpolate(text, env)).toMatchObject({
      ok: false,
      message: expect.stringContaining('is not a variable'),
    });
  });
});
