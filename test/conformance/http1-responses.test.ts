import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HOSTILE as FRAMEWORK, hostile } from '#test/support/http1-corpus/hostile-framework.js';
import { HOSTILE as SERVER } from '#test/support/http1-corpus/hostile-server.js';
import { type Subject, serverEntry, startCio, startFront } from '#test/support/http1-corpus/subject.js';
import { ANSWERS, FOUND } from './hostile-answers.js';
import { exchangeWith } from './hostile-exchange.js';

describe.each([
  ['a framework application on CIO', () => startCio(hostile), Object.keys(FRAMEWORK), FOUND],
  [
    'a framework application behind a front',
    () => startFront({ kind: 'modules', modules: ['hostile-framework.js#hostile'] }),
    // The exchange protocol cannot carry half a field; it is left out.
    Object.keys(FRAMEWORK).filter((name) => name !== 'odd-fields'),
    FOUND,
  ],
  [
    'a (req, res) application behind a front',
    () => startFront(serverEntry('hostile-server.js')),
    Object.keys(SERVER),
    [],
  ],
] as const)('%s', (_name, start, answers: readonly string[], found: readonly string[]) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject.stop());

  it.each(answers)('cannot break the framing by %s', async (name) => {
    const get = await exchangeWith(subject.port, 'GET', name, '1.1');
    expect(get.first).toBe(found.includes(name) ? '500' : (ANSWERS[name] ?? '500'));
    for (const [method, version] of [
      ['HEAD', '1.1'],
      ['GET', '1.0'],
    ] as const) {
      const { first } = await exchangeWith(subject.port, method, name, version);
      expect(first).toMatch(method === 'HEAD' ? /^(?:[2345]\d\d|cut) ?$/ : /^(?:[2345]\d\d .*|500|cut)$/);
    }
  });
});
