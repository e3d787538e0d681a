import { METHODS } from 'node:http';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isForbiddenTrailer } from '#host/connector/trailer-parser.js';
import { canonicalPath } from '#host/http/canonical-path.js';
import { bytesOf, readCorpus } from '#test/support/http1-corpus/case.js';
import {
  generatedRequest,
  mutated,
  mutation,
  serialised,
} from '#test/support/http1-corpus/generated-request.js';
import {
  type Recorder,
  recordConnector,
  recordNode,
  type Understood,
} from '#test/support/http1-corpus/recorder.js';
import { seeded } from '#test/support/http1-corpus/seed.js';

/**
 * Whatever our parser accepts, Node's own accepts in its strict mode, with the same method, target, fields and body.
 * What cannot hold is listed here: up to such a request the two are compared.
 */
const EXCEPTIONS: readonly {
  readonly why: string;
  readonly applies: (bytes: string, one: Understood) => boolean;
}[] = [
  {
    why: "Node's parser knows a list of methods; RFC 9110 §9.1 leaves it open.",
    applies: (_bytes, { method }) => !METHODS.includes(method),
  },
  {
    why: 'Node refuses the blanks in chunk extensions that RFC 9112 §7.1.1 tells a recipient to take.',
    applies: (bytes) => /\r\n[0-9a-f]+(?:[ \t]|;[^\r\n]*[ \t])/i.test(bytes),
  },
  {
    why: 'Node refuses trailers that frame; they are dropped here (RFC 9110 §6.5.1).',
    applies: (bytes) =>
      /\r\n0[^\r\n]*\r\n(?:[^\r\n]+\r\n)*(?:content-length|transfer-encoding|connection|upgrade):/i.test(
        bytes,
      ),
  },
  {
    why: 'Node reads nothing behind an upgrade that is not taken.',
    applies: (bytes) => /upgrade/i.test(bytes),
  },
  {
    why: 'Node 20 refuses a tab behind these values; it is a blank (RFC 9110 §5.6.3).',
    applies: (bytes) => /(?:content-length|transfer-encoding|connection):[^\r\n]*\t/i.test(bytes),
  },
];

let ours: Recorder;
let node: Recorder;
/** Requests that both have understood, and were found to be the same. */
let compared = 0;

beforeAll(async () => {
  ours = await recordConnector();
  node = await recordNode();
});
afterAll(async () => {
  await ours.stop();
  await node.stop();
});

/** Empty when Node agrees with everything that we have accepted. */
async function disagreements(text: string): Promise<string[]> {
  const bytes = Buffer.from(text, 'latin1');
  const [mine, theirs] = await Promise.all([ours.hear(bytes), node.hear(bytes)]);
  const found: string[] = [];
  for (const [index, one] of mine.requests.entries()) {
    if (!one.isComplete) return found;
    if (EXCEPTIONS.some(({ applies }) => applies(text, one))) return found;
    const other = theirs.requests[index];
    if (other === undefined) return [...found, `request ${index}: Node does not know it`];
    found.push(...differences(one, other).map((what) => `request ${index}: ${what}`));
    compared++;
    // Node closes behind HTTP/1.0, and reads on behind `close`.
    if (closes(other)) return found;
  }
  // We have taken all of it: then Node has as well, and nothing more.
  if (!mine.isRefused && theirs.isRefused) found.push('Node refuses the end');
  if (!mine.isRefused && theirs.requests.length > mine.requests.length) found.push('Node knows one more');
  return found;
}

function differences(one: Understood, other: Understood): string[] {
  const pairs: [string, unknown, unknown][] = [
    ['method', one.method, other.method],
    ['target', one.target, canonicalTarget(other)],
    ['version', one.version, other.version],
    ['fields', one.fields, endToEnd(other.fields)],
    ['body', one.body, other.body],
  ];
  if (other.isComplete) pairs.push(['trailers', one.trailers, allowed(other.trailers)]);
  return pairs
    .filter(([, mine, theirs]) => JSON.stringify(mine) !== JSON.stringify(theirs))
    .map(([what, mine, theirs]) => `${what} ${JSON.stringify(mine)}, but in Node ${JSON.stringify(theirs)}`);
}

/** The target as every application sees it here: one canonical path, no scheme and no host. */
function canonicalTarget({ method, target }: Understood): string {
  const relative = target.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = relative.indexOf('?');
  const path = mark < 0 ? relative : relative.slice(0, mark);
  const query = mark < 0 ? '' : relative.slice(mark);
  if (method === 'OPTIONS' && (target === '*' || (path === '' && query === ''))) return '*';
  return `${path === '' ? '/' : canonicalPath(path)}${query}`;
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];
/** What `Connection` cannot remove. */
const ESSENTIAL =
  /^(?:accept|authorization|cookie|date|expect|host|origin|range|te|trailer|user-agent|via|(?:content|if|sec|x-forwarded)-.*)$/;

function endToEnd(flat: readonly string[]): string[] {
  const pairs = pairsOf(flat);
  const listed = pairs
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) =>
      value
        .toLowerCase()
        .split(',')
        .map((one) => one.trim()),
    )
    .filter((name) => !ESSENTIAL.test(name));
  return pairs
    .filter(([name, value]) => {
      const lower = name.toLowerCase();
      if (lower === 'te') return value.toLowerCase() === 'trailers';
      return !HOP_BY_HOP.includes(lower) && !listed.includes(lower);
    })
    .flat();
}

function allowed(flat: readonly string[]): string[] {
  return pairsOf(flat)
    .filter(([name]) => !isForbiddenTrailer(name.toLowerCase()))
    .flat();
}

function pairsOf(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : [],
  );
}

function closes({ version, fields }: Understood): boolean {
  return (
    version === '1.0' ||
    pairsOf(fields).some(([name, value]) => /^connection$/i.test(name) && /close/i.test(value))
  );
}

const METHODS_OF_BOTH = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND', 'M-SEARCH'];
const requests = fc
  .array(generatedRequest(METHODS_OF_BOTH, ['1.1', '1.1', '1.0']), { minLength: 1, maxLength: 3 })
  .map((list) => list.map(serialised).join(''));

async function agreeOnAll(texts: readonly string[]): Promise<void> {
  const found = await Promise.all(
    texts.map(async (text) => (await disagreements(text)).map((what) => `${JSON.stringify(text)}: ${what}`)),
  );
  expect(found.flat()).toEqual([]);
}

it('accepts valid requests as Node does', async () => {
  const before = compared;
  await fc.assert(
    fc.asyncProperty(fc.array(requests, { minLength: 20, maxLength: 25 }), agreeOnAll),
    seeded(25),
  );
  expect(compared - before).toBeGreaterThan(250);
});

it('accepts nothing of damaged requests that Node reads otherwise', async () => {
  const before = compared;
  const damaged = fc
    .tuple(requests, fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([text, changes]) => changes.reduce(mutated, text));
  await fc.assert(
    fc.asyncProperty(fc.array(damaged, { minLength: 20, maxLength: 25 }), agreeOnAll),
    seeded(80),
  );
  expect(compared - before).toBeGreaterThan(250);
});

it('agrees with Node on every case of the corpus that it accepts', async () => {
  for (const cases of readCorpus().values()) {
    for (const one of cases) {
      const text = bytesOf(one).toString('latin1');
      expect([one.name, await disagreements(text)]).toEqual([one.name, []]);
    }
  }
});
