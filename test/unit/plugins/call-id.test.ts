import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { CallId, callId } from 'portico/plugins/call-id';
import { testApplication } from 'portico/testing';

describe('CallId', () => {
  it.each([
    ['abc', 'cab', true],
    ['abc', 'abd', false],
    ['aé', 'éa', true],
    ['aé', 'èa', false],
    ['a\u{1f680}', 'a\u{1f680}', true],
    ['', 'a', false],
  ])('takes with the dictionary %j the id %j: %s', async (dictionary, id, isTaken) => {
    const application = await testApplication((app) => {
      app.install(CallId, (config) => {
        config.verify = dictionary;
        config.retrieve(() => id);
      });
      routing(app, (r) => r.get('/', (call) => String(callId(call) === id)));
    });
    const answer = await application.client.get('/');
    expect(await answer.text()).toBe(String(isTaken));
    await application.stop();
  });
});
