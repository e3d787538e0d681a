import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import WebSocket from 'ws';
import { filesOf, zipOf } from '#test/support/archives.js';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const handler = (answer: string) => ({
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `export default (request, response) => response.end(${JSON.stringify(answer)} + ' ' + request.url);`,
});

const echo = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
const server = createServer((request, response) => response.end('echo'));
new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send('echo ' + data)));
server.listen(3000);`,
};

describe('deployment', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({ apps: { first: handler('first 1'), echo } });
  });
  afterAll(async () => {
    await host.stop();
  });

  it('serves what lay in the drop folder at the start', async () => {
    expect(await host.text('/first/a?b=1')).toBe('first 1 /a?b=1');
  });

  it('takes a folder that is dropped', async () => {
    host.drop('dropped', handler('dropped'));
    await host.untilApplication('dropped', ({ state }) => state === 'running');
    expect(await host.text('/dropped/x')).toBe('dropped /x');
  });

  it('takes a zip at once when its ready marker lies beside it', async () => {
    host.dropFile('zipped.zip', await zipOf(filesOf(handler('zipped'))));
    host.dropFile('zipped.ready', '');
    await host.untilApplication('zipped', ({ state }) => state === 'running');
    expect(await host.text('/zipped/')).toBe('zipped /');
  });

  it('maps names with # to deeper paths and ROOT to the root', async () => {
    host.drop('deep#er', handler('deeper'));
    host.drop('ROOT', handler('root'));
    await host.untilApplication('deep#er', ({ state }) => state === 'running');
    await host.untilApplication('ROOT', ({ state }) => state === 'running');
    expect(await host.text('/deep/er/x')).toBe('deeper /x');
    expect(await host.text('/deep/erx')).toBe('root /deep/erx');
  });

  it('swaps a changed bundle without a failed request', async () => {
    host.drop('swap', handler('one'));
    await host.untilApplication('swap', ({ state }) => state === 'running');
    const answers = new Set<string>();
    let isDone = false;
    const clients = Array.from({ length: 4 }, async () => {
      while (!isDone) {
        const response = await host.get('/swap/');
        answers.add(`${response.status} ${await response.text()}`);
      }
    });
    host.drop('swap', handler('two'));
    await until('the new version answers', async () =>
      (await host.text('/swap/')).startsWith('two') ? true : undefined,
    );
    isDone = true;
    await Promise.all(clients);
    expect([...answers].sort()).toEqual(['200 one /', '200 two /']);
  });

  it('keeps the running version when the new one does not start, and says why', async () => {
    host.drop('keep', handler('good'));
    const before = await host.untilApplication('keep', ({ state }) => state === 'running');
    host.drop('keep', { ...handler('bad'), 'app.js': "throw new Error('the new version is broken');" });
    const after = await host.untilApplication('keep', ({ pendingFailure }) => pendingFailure !== undefined);
    expect(after.pendingFailure).toContain('the new version is broken');
    expect(after.state).toBe('running');
    expect(after.instances[0]?.pid).toBe(before.instances[0]?.pid);
    expect(await host.text('/keep/')).toBe('good /');
    host.drop('keep', handler('mended'));
    await until('the mended version answers', async () =>
      (await host.text('/keep/')).startsWith('mended') ? true : undefined,
    );
  });

  it('does nothing when a bundle is touched but its content is the same', async () => {
    const before = await host.application('first');
    host.drop('first', handler('first 1'));
    host.drop('marker', handler('marker'));
    await host.untilApplication('marker', ({ state }) => state === 'running');
    const after = await host.application('first');
    expect(after?.instances[0]?.pid).toBe(before?.instances[0]?.pid);
  });

  it('leaves the WebSockets of other applications alone while one is swapped and removed', async () => {
    const socket = new WebSocket(host.url('/echo/').replace('http', 'ws'));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    let isClosed = false;
    socket.once('close', () => {
      isClosed = true;
    });
    host.drop('other', handler('other 1'));
    await host.untilApplication('other', ({ state }) => state === 'running');
    host.drop('other', handler('other 2'));
    await until('other is swapped', async () =>
      (await host.text('/other/')).includes('2') ? true : undefined,
    );
    host.remove('other');
    await until('other is gone', async () =>
      (await host.application('other')) === undefined ? true : undefined,
    );
    const answer = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
    socket.send('still here');
    expect(await answer).toBe('echo still here');
    expect(isClosed).toBe(false);
    socket.close();
  });

  it('closes the WebSockets of a swapped application with 1012', async () => {
    const socket = new WebSocket(host.url('/echo/').replace('http', 'ws'));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
    host.drop('echo', { ...echo, 'note.txt': 'changed' });
    expect(await closed).toBe(1012);
  });

  it('removes an application when its bundle is deleted; its path answers 404 or goes to ROOT', async () => {
    host.drop('gone', handler('gone'));
    await host.untilApplication('gone', ({ state }) => state === 'running');
    host.remove('gone');
    await until('gone is undeployed', async () =>
      (await host.application('gone')) === undefined ? true : undefined,
    );
    expect(await host.text('/gone/')).toBe('root /gone/');
  });

  it('undeploys nothing when the drop folder vanishes', async () => {
    const apps = join(host.base, 'apps');
    renameSync(apps, `${apps}.away`);
    await until('the loss is reported', () =>
      /apps/.test(host.log) && /ENOENT|unreadable|cannot/i.test(host.log) ? true : undefined,
    );
    expect(await host.text('/first/')).toBe('first 1 /');
    mkdirSync(apps);
    expect(await host.text('/first/')).toBe('first 1 /');
    writeFileSync(join(apps, 'keep.txt'), 'not a bundle');
    expect(readdirSync(apps)).toEqual(['keep.txt']);
    expect(await host.text('/first/')).toBe('first 1 /');
  });
});
