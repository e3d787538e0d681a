import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestHost } from '#test/support/host.js';

/** `/fast` reads as fast as it can, `/slow` stands still between its reads; both answer with the hash of what came. */
const bundle = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
export default (request, response) => answer(request, response).catch(() => response.destroy());
async function answer(request, response) {
  const hash = createHash('sha256');
  let count = 0;
  for await (const chunk of request) {
    if (request.url.endsWith('/slow') && ++count % 8 === 0) await delay(2);
    hash.update(chunk);
  }
  response.end(hash.digest('hex'));
}
`,
};

/** The front reads bodies into memory that it uses again as soon as their bytes are with the application. */
describe('large uploads side by side', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({ apps: { sum: bundle } });
  }, 60_000);
  afterAll(() => host.stop());

  /** In pieces of odd sizes, and with pauses when the socket asks for them. */
  async function upload(path: string, body: Buffer, isChunked: boolean): Promise<string> {
    const headers = isChunked ? {} : { 'content-length': String(body.length) };
    const sent = request(host.url(path), { method: 'POST', headers, agent: false });
    const answered = once(sent, 'response');
    for (let at = 0; at < body.length; at += 131_313)
      if (!sent.write(body.subarray(at, at + 131_313))) await once(sent, 'drain');
    sent.end();
    const [response] = (await answered) as [AsyncIterable<Buffer>];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return text;
  }

  /** Sends a part of a body and goes. */
  async function giveUp(path: string): Promise<void> {
    const socket = connect(host.ports[0] as number, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n`);
    socket.write(randomBytes(1_500_000));
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
  }

  it('arrive as they were sent, beside slow readers and clients that give up', async () => {
    for (let turn = 0; turn < 3; turn++) {
      const wanted = ['/sum/fast', '/sum/slow', '/sum/fast', '/sum/slow', '/sum/fast'].map(
        async (path, i) => {
          const body = randomBytes(2_000_000 + i * 777_777);
          const hash = await upload(path, body, i === 2);
          expect(hash).toBe(createHash('sha256').update(body).digest('hex'));
        },
      );
      await Promise.all([...wanted, giveUp('/sum/slow'), giveUp('/sum/fast')]);
    }
  }, 90_000);
});
