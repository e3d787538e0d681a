import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ArrivalsWatch, attempt, piecesOf, type Split } from '#test/support/http1-corpus/attempt.js';
import { bytesOf, type Case, caseFor, readCorpus } from '#test/support/http1-corpus/case.js';
import type { Sighting } from '#test/support/http1-corpus/sightings.js';
import type { Subject } from '#test/support/http1-corpus/subject.js';
import { headerOf } from '#test/support/raw-client.js';

/** Longest case that is sent byte by byte. */
const MAX_SPLIT_BYTES = 250;

/** What a subject cannot tell, or what the way to the application adds or writes anew. */
export interface Sight {
  /** Keys of `sees` that the application cannot know. */
  readonly blindTo?: readonly (keyof Sighting)[];
  /** Names of fields, in lower case, that are not compared. */
  readonly addedFields?: readonly string[];
}

/** The whole corpus against one subject of ours. */
export function corpusSuite(
  start: () => Promise<Subject>,
  splits: readonly Split[],
  { blindTo = [], addedFields = [] }: Sight = {},
): void {
  let subject: Subject;
  let watch: ArrivalsWatch;
  beforeAll(async () => {
    subject = await start();
    watch = await ArrivalsWatch.open(subject.port);
  });
  afterAll(async () => {
    watch.close();
    await subject.stop();
  });

  const comparable = (key: string, value: unknown): unknown =>
    key === 'fields' ? withoutFields(value as readonly string[], addedFields) : (value ?? null);

  async function check(one: Case, split: Split): Promise<void> {
    const { outcome, last, sighting, answered } = await attempt(
      subject.port,
      one,
      piecesOf(bytesOf(one), split),
    );
    expect(`${split}: ${outcome}`).toBe(
      `${split}: ${one.expect.find((each) => each === outcome) ?? one.expect.join(' or ')}`,
    );
    for (const [key, value] of Object.entries(one.sees ?? {})) {
      if (blindTo.includes(key as keyof Sighting)) continue;
      expect([key, comparable(key, sighting?.[key as keyof Sighting])]).toEqual([
        key,
        comparable(key, value),
      ]);
    }
    for (const [name, value] of Object.entries(one.answer ?? {}))
      expect([name, headerOf(last, name) ?? null]).toEqual([name, value]);
    if (outcome.includes('405')) expect(headerOf(last, 'allow')).toContain('GET');

    // Every request that the application saw was answered: nobody has smuggled one.
    const arrivals = await watch.take();
    const lines = arrivals.filter(({ isComplete }) => isComplete).map(({ line }) => line);
    expect(lines).toHaveLength(one.reaches ?? answered);
    expect(arrivals.length - lines.length).toBeLessThanOrEqual(/[45]\d\d close$/.test(outcome) ? 1 : 0);
    expect(arrivals.map(({ line }) => line).join('\n')).not.toContain('smuggled');
  }

  describe.each([...readCorpus()])('HTTP/1.x %s', (_file, cases) => {
    it.each(cases.map((one) => [`${one.name} (RFC ${one.rfc})`, one] as const))('%s', async (_name, raw) => {
      const one = caseFor(raw, subject.name);
      for (const split of splits) {
        if (split !== 'bytes' || bytesOf(one).length <= MAX_SPLIT_BYTES) await check(one, split);
      }
    });
  });
}

function withoutFields(flat: readonly string[], names: readonly string[]): string[] {
  return flat.filter((_, index) => !names.includes((flat[index - (index % 2)] ?? '').toLowerCase()));
}
