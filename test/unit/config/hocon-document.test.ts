// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is the notation of HOCON
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseHoconDocument } from '#host/config/hocon/hocon-document.js';

const ENV = { PORT: '9000', HOME: '/home/ann', L_0: 'p', L_1: 'q' };

function parse(text: string, files: Readonly<Record<string, string>> = {}, file = 'application.conf') {
  return parseHoconDocument(text, file, ENV, (name) => {
    const found = files[name];
    return found === undefined ? undefined : { text: found, file: name };
  });
}

function wrong(text: string, files?: Readonly<Record<string, string>>): string {
  const { problems } = parse(text, files);
  expect(problems).toHaveLength(1);
  const [problem] = problems;
  return `${problem?.file}:${problem?.line}:${problem?.column} ${problem?.message}`;
}

describe('HOCON', () => {
  const values: readonly [what: string, text: string, data: unknown][] = [
    ['an empty file', '', {}],
    ['JSON', '{"a":[1,2,{"b":null}],"c":"x"}', { a: [1, 2, { b: null }], c: 'x' }],
    ['comments', 'a = 1 // x\nb = 2 # y', { a: 1, b: 2 }],
    [
      'comments without a blank',
      'a = 8080#port\nb = x.js# y\nc = x.js #y',
      { a: 8080, b: 'x.js', c: 'x.js' },
    ],
    ['= and : and neither before a section', 'a : 1\nb = 2\nc { d = 3 }', { a: 1, b: 2, c: { d: 3 } }],
    ['commas and line ends', 'a=[1\n2,\n3,]\nb=1,c=2', { a: [1, 2, 3], b: 1, c: 2 }],
    ['line ends of Windows', 'a=1\r\nb=2\r\n', { a: 1, b: 2 }],
    ['keys as paths', 'a.b.c = 1\n"a.b".c = 2\na b = 3', { a: { b: { c: 1 } }, 'a.b': { c: 2 }, 'a b': 3 }],
    ['text without quotes', 'a =   foo bar  baz  \nb = SHA-256', { a: 'foo bar  baz', b: 'SHA-256' }],
    ['text in quotes', '"a" = "\\u0041\\n//"', { a: 'A\n//' }],
    ['text in three quotes', 'a="""x\n"y" \\n""""', { a: 'x\n"y" \\n"' }],
    [
      'truth values, numbers, null',
      'a=true\nb=-1.5\nc=null\nd=1.50',
      { a: true, b: -1.5, c: null, d: '1.50' },
    ],
    ['a key assigned twice', 'a=1\na=2', { a: 2 }],
    ['sections merged', 'a={x:1,y:{z:1}}\na={y:{w:2}}', { a: { x: 1, y: { z: 1, w: 2 } } }],
    ['a section replaced by a value', 'a={x:1}\na=5\na={y:1}', { a: { y: 1 } }],
    ['lists appended', 'a=[1] [2]\na += 3', { a: [1, 2, 3] }],
    ['+= on nothing, also in a list', 'a += 1\nl=[{m=[1]\nm+=2}]', { a: [1], l: [{ m: [1, 2] }] }],
    ['a reference to what comes later', 'a=${b}\nb=1\nb=2', { a: 2, b: 2 }],
    ['a reference to a section, extended', 'b={x:1}\na=${b}{y:2}', { b: { x: 1 }, a: { x: 1, y: 2 } }],
    ['a reference into its own section', 'a={c:${a.d},d:5}', { a: { c: 5, d: 5 } }],
    [
      'a reference into a section in the making',
      'a=${b}{y:${a.x}}\nb={x:3}',
      { a: { x: 3, y: 3 }, b: { x: 3 } },
    ],
    ['a reference to what the key held before', 'p=/a\np=${p}":/b"\np=${p}":/c"', { p: '/a:/b:/c' }],
    ['a reference to itself that may be missing', 'a=${?a}b', { a: 'b' }],
    ['a reference within text', 'a = x${b}y ${b}\nb = 1', { a: 'x1y 1', b: 1 }],
    ['a default overridden by a variable', 'port=8080\nport=${?PORT}', { port: '9000' }],
    ['a default kept', 'port=8080\nport=${?NOT_SET}', { port: 8080 }],
    ['optional references that find nothing', 'a=[${?X}, 1]\nb = x${?X}y\nc=${?X}', { a: [1], b: 'xy' }],
    ['a failing reference that is overridden', 'a=${NOT_SET}\na=1', { a: 1 }],
    ['the environment', 'h=${HOME}/x', { h: '/home/ann/x' }],
    ['lists of the environment', 'l=${L[]}\nm=${?M[]}', { l: ['p', 'q'] }],
    [
      'ktor and portico as one section',
      'portico.deployment.port=1\na=${ktor.deployment.port}',
      { portico: { deployment: { port: 1 } }, a: 1 },
    ],
    [
      'a reference into its own section, which is extended later',
      'd={p:1}\ns=${d}{dir:x,data:${s.dir}/y}\ns.p=${?PORT}',
      { d: { p: 1 }, s: { p: '9000', dir: 'x', data: 'x/y' } },
    ],
    [
      'a reference into a section that a variable may replace',
      's{dir:x,data:${s.dir}/y}\ns=${?NOT_SET}\ns=${d}\nd={dir:z}',
      { s: { dir: 'z', data: 'z/y' }, d: { dir: 'z' } },
    ],
    [
      'a key that looks back while it is extended',
      'foo:{a:{c:1}}\nfoo:${foo.a}\nfoo:{a:2}',
      { foo: { a: 2, c: 1 } },
    ],
    [
      'sections with numbers as keys beside lists',
      'a={1:y,0:x}\nb=${a}[z]\na+=z',
      { a: ['x', 'y', 'z'], b: ['x', 'y', 'z', 'z'] },
    ],
    ['keys that begin with include', 'includes = 1\ninclude = 2', { includes: 1, include: 2 }],
    ['a missing file that is included', 'include "nofile"\na=1', { a: 1 }],
  ];
  it.each(values)('reads %s', (_, text, data) => {
    const document = parse(text);
    expect(document.problems).toEqual([]);
    expect(document.data).toEqual(data);
  });

  it('puts an included file where it is included, with its references relative to itself first', () => {
    const files = {
      'i.conf': 'v=1\nw=${v}\nouter=${y}\ninclude "p.properties"',
      'p.properties': 'k.l = ${v}',
    };
    const document = parse('y=7\nx { include "i.conf", v=2 }\nz=${x.v}', files);
    expect(document.data).toEqual({ y: 7, x: { v: 2, w: 2, outer: 7, k: { l: '${v}' } }, z: 2 });
    expect(document.problem(['x', 'w'], '')).toMatchObject({ file: 'i.conf', line: 2 });
  });

  it('reads .properties', () => {
    const text = '# c\n! d\na.b = x\\ny\nc : d e \nlong = a\\\n   b\nu=\\u0041\na=top\nempty\n';
    const document = parse(text, {}, 'application.properties');
    expect(document.data).toEqual({ a: { b: 'x\ny' }, c: 'd e', long: 'ab', u: 'A', empty: '' });
    expect(document.problem(['c'], '')).toMatchObject({ line: 4, column: 1 });
  });

  const mistakes: readonly [text: string, message: RegExp][] = [
    ['a=1\nb=${NOPE}', /^application.conf:2:3 \$\{NOPE\} is neither a key .* nor a variable/],
    ['a=${b}\nb=${a}', /Cycle detected/],
    ['a={b:${a}}', /Cycle detected/],
    ['a = {', /:1:6 a } is missing/],
    ['a = [1', /a \] is missing/],
    ['a {\n  m = [ shop#shop ]\n}\n', /:3:1 a value is missing here \(the # in line 2 begins a comment/],
    [
      'a {\n  m = shop.js#shop\n}\n',
      /:2:14 shop\.js# is cut here, for # begins a comment: put a text with #/,
    ],
    ['a=1 }', /comma or the end of the line/],
    ['a b c', /must be = or :/],
    ['a=\nb=1', /:2:2/],
    ['a="x\ny"', /:1:3 this text does not end/],
    ['a="\\q"', /no escape/],
    ['a=$x', /cannot stand in a text without quotes/],
    ['a.=1', /a key is missing/],
    ['a=[1]{b:1}', /a list and a section cannot stand side by side/],
    ['[1]', /not a list/],
    ['__proto__ { x = 1 }', /__proto__ is not allowed/],
    ['include url("http://127.0.0.1/x.conf")', /not fetched from the network/],
    ['include "http://127.0.0.1/x.conf"', /not fetched from the network/],
    ['include required(file("nofile.conf"))', /does not exist/],
  ];
  it.each(mistakes)('refuses %j', (text, message) => {
    expect(wrong(text)).toMatch(message);
  });

  it('runs nothing of a file that looks like a program to other parsers', () => {
    expect(parse('a = include "evil.js"', { 'evil.js': 'throw 1' }).data).toEqual({ a: 'include evil.js' });
    expect(wrong('a = 1 | eval { expr = "process.pid" }')).toMatch(/side by side/);
  });

  it('ends a file that includes itself, or whose references double each other', () => {
    expect(wrong('include "loop.conf"', { 'loop.conf': 'include "loop.conf"' })).toMatch(
      /includes within each other/,
    );
    const doubling = Array.from(
      { length: 40 },
      (_, i) => `b${i}=${i === 0 ? 'x' : `\${b${i - 1}}\${b${i - 1}}`}`,
    );
    expect(wrong(doubling.join('\n'))).toMatch(/steps/);
    expect(wrong(`a=${'['.repeat(200)}`)).toMatch(/nested deeper/);
    const long = 'a.'.repeat(50_000);
    expect(wrong(`${long}b=1\n${long}c=1`)).toMatch(/more than 64 parts/);
    expect(parse(`${long}b=1`, {}, 'x.properties').problems[0]?.message).toMatch(/more than 64 parts/);
  });

  it('reads very many assignments of one key and of one section', () => {
    const document = parse(Array.from({ length: 9000 }, (_, i) => `l += ${i}\no.k${i} = 1`).join('\n'));
    expect(document.problems).toEqual([]);
    expect((document.data['l'] as number[]).length).toBe(9000);
    expect(Object.keys(document.data['o'] as object).length).toBe(9000);
  });

  it('never throws for what is in the text, and gives data or a problem with its place', () => {
    const signs = ' \n = += : { } [ ] , # // "x" " 1 null ${a} ${?b} ${b.c} a b.c \\ $ !'.split(' ');
    const word = fc.constantFrom(' ', 'include "x"', '"""', ...signs);
    fc.assert(
      fc.property(fc.array(word, { maxLength: 25 }), (parts) => {
        const document = parse(parts.join(''), { x: 'a = ${b.c}' });
        if (document.checkable) expect(document.problems).toEqual([]);
        else expect(document.problems[0]?.line).toBeGreaterThan(0);
      }),
      { numRuns: 3000 },
    );
  });
});
