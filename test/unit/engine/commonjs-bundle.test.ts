import { afterAll, expect, it } from '@jest/globals';
import { testBundle } from 'portico/testing';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const folder = new TemporaryFolder();
afterAll(() => folder.remove());

it('mounts a bundle of CommonJS', async () => {
  const shop = folder.write('old', {
    'application.yaml': 'portico: { application: { modules: [main.cjs#oldModule] } }\n',
    'main.cjs': `const { text } = require('./text.cjs');
exports.oldModule = async (application) => {
  const { routing } = await import('portico');
  routing(application, (r) => r.get('/', () => text));
};
`,
    'text.cjs': "exports.text = 'from CommonJS';\n",
  });
  const bundle = await testBundle(shop);
  expect(await (await bundle.client.get('/old/')).text()).toBe('from CommonJS');
  await bundle.reload();
  expect(await (await bundle.client.get('/old/')).text()).toBe('from CommonJS');
  await bundle.stop();
});
