import { afterAll, beforeAll } from '@jest/globals';
import type { WebSocketSubject } from './subject.js';

/** A subject that is there while the tests of this suite run; to be asked for within them. */
export function startedSubject(start: () => Promise<WebSocketSubject>): () => WebSocketSubject {
  let subject: WebSocketSubject;
  beforeAll(async () => {
    subject = await start();
  });
  afterAll(() => subject.stop());
  return () => subject;
}
