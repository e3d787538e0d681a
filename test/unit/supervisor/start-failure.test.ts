import { expect, it } from '@jest/globals';
import { StartFailure } from '#host/supervisor/start-failure.js';

it.each(['x is not a function', 'x is not a function.'])(
  'a failed start says what happened and what to do in two sentences: %s',
  (message) => {
    const failure = new StartFailure('shop@1', { step: 'load', message, stack: '', lastOutput: [] });
    expect(failure.message).toBe(
      'shop@1 did not start (load): x is not a function. Correct the module, then deploy the bundle again.',
    );
  },
);
