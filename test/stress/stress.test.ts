import { beforeAll, describe, expect, it } from '@jest/globals';
import { STEPS } from './chaos.js';
import { failuresOf, leaksOf } from './report.js';
import { QUIET, REDEPLOYS, type StressResult, stress } from './stress.js';

/** Ten applications start, and each step has its own deadline. */
const DEADLINE_MS = 600_000;

describe('while applications are redeployed, crash, block and fill their memory, and the front is killed', () => {
  const steps = STEPS.filter(({ isShort }) => isShort);
  let result: StressResult;
  beforeAll(async () => {
    const say = () => undefined;
    result = await stress({
      steps,
      seconds: 0,
      quietSeconds: 1,
      redeploys: 10,
      settles: false,
      rate: 8,
      say,
    });
  }, DEADLINE_MS);

  it('everything is under load', () => {
    const phases = new Set(result.outcomes.map(({ phase }) => phase));
    expect([...phases]).toEqual(expect.arrayContaining([QUIET, ...steps.map(({ name }) => name), REDEPLOYS]));
  });

  it('no request fails but those of the victim, and those that the killed front had', () => {
    const failures = failuresOf(result).filter(({ role }) => role !== 'victim');
    expect(failures.map(({ application, reasons }) => [application, reasons])).toEqual(
      failures.map(({ application }) => [application, '']),
    );
  });

  it('redeploys leave no process, no descriptor, no handle and no memory behind', () => {
    expect(leaksOf(result)).toEqual([]);
  });
});
