import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { attempt, piecesOf } from '#test/support/http1-corpus/attempt.js';
import { bytesOf, type Case, caseFor, readCorpus, readReasons } from '#test/support/http1-corpus/case.js';
import { type Subject, startNode } from '#test/support/http1-corpus/subject.js';
import { headerOf } from '#test/support/raw-client.js';

/** Versions of Node for which the files say what it does. Of others a test can only say one thing or the other. */
const RECORDED = [20, 22, 24];
const MAJOR = Number(process.versions.node.split('.')[0]);

const corpus = readCorpus();
const reasons = readReasons();
let node: Subject;

beforeAll(async () => {
  node = await startNode();
});
afterAll(() => node.stop());

/** What of a case is otherwise than it says; empty when all is as it says. */
async function deviations(one: Case): Promise<string[]> {
  const { outcome, last, sighting } = await attempt(node.port, one, piecesOf(bytesOf(one), 'whole'));
  const found = one.expect.includes(outcome) ? [] : [`${outcome} instead of ${one.expect.join(' or ')}`];
  const seen: Record<string, unknown> = { ...sighting };
  for (const [key, value] of Object.entries(one.sees ?? {})) compare(found, key, seen[key] ?? null, value);
  for (const [name, value] of Object.entries(one.answer ?? {}))
    compare(found, name, headerOf(last, name) ?? null, value);
  return found;
}

function compare(found: string[], key: string, is: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(is), JSON.stringify(wanted)];
  if (left !== right) found.push(`${key} ${left} instead of ${right}`);
}

/** The case as this version of Node answers it; undefined when nobody has written it down. */
function recorded(one: Case): Case | undefined {
  if (!RECORDED.includes(MAJOR)) return undefined;
  return one.node?.versions?.includes(MAJOR) === false ? one : caseFor(one, 'node');
}

describe.each([...corpus])('node:http and %s', (_file, cases) => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const written = recorded(one);
    if (written !== undefined) expect(await deviations(written)).toEqual([]);
    else expect((await deviations(caseFor(one, 'node'))).length * (await deviations(one)).length).toBe(0);
  });
});

describe('a difference that the files name', () => {
  const all = [...corpus.values()].flat();

  it('has a reason, and every reason is one of a difference', () => {
    const whys = all
      .flatMap(({ node, front, cio, upstream }) => [node, front, cio, upstream])
      .flatMap((one) => one?.why ?? []);
    expect(whys.filter((why) => !why.endsWith('.') && reasons[why] === undefined)).toEqual([]);
    expect(Object.keys(reasons).filter((name) => !whys.includes(name))).toEqual([]);
  });

  it('is one', () => {
    const same = all.filter((one) => {
      const { expect: outcomes = one.expect, sees = one.sees, answer = one.answer } = one.node ?? {};
      const isSame = JSON.stringify([sees, answer]) === JSON.stringify([one.sees, one.answer]);
      return one.node !== undefined && isSame && outcomes.some((outcome) => one.expect.includes(outcome));
    });
    expect(same.map(({ name }) => name)).toEqual([]);
  });
});
