import { describe, expect, it } from '@jest/globals';
import { ProcessCourse } from '#host/supervisor/process-course.js';

describe('the course of a process', () => {
  it('ends for the first cause, whatever comes of it', async () => {
    const course = new ProcessCourse();
    course.blameLateStart(2000, 'it was not ready');
    course.blameFor('was ended by us');
    course.end(null, 'SIGKILL');
    expect(await course.ready).toBe(false);
    expect(await course.gone).toMatchObject({
      reason: 'was not ready within 2 s',
      failure: { step: 'timeout', message: 'After 2 s it was not ready.' },
      exitCode: null,
      signal: 'SIGKILL',
    });
  });

  it('is no failed start once it was ready', async () => {
    const course = new ProcessCourse();
    expect([course.stage, course.isWell]).toEqual(['starting', false]);
    course.run();
    expect([course.stage, course.isWell, await course.ready]).toEqual(['running', true, true]);
    course.end(3, null);
    expect(await course.gone).toMatchObject({ reason: 'exited with code 3', failure: undefined });
    expect([course.stage, course.isWell]).toEqual(['ended', false]);
  });

  it('is late when it is not ready in time, counted anew when more time is given', async () => {
    const course = new ProcessCourse();
    const late = await new Promise<string>((resolve) => {
      course.startWithin(60_000, () => resolve('the first time'));
      course.startWithin(1, () => resolve('the second time'));
    });
    expect(late).toBe('the second time');
    course.end(0, null);
  });
});
