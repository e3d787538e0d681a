import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { childrenOf } from '#test/bench/memory.js';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** Counts what it gets, sends what it is asked for, never holds either. */
const streams = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `let written = 0;
const block = Buffer.alloc(256 * 1024, 'x');
export default (request, response) => {
  const url = new URL(request.url, 'http://host');
  if (url.pathname === '/written') return response.end(String(written));
  if (request.method === 'POST') {
    let bytes = 0;
    request.on('data', (chunk) => { bytes += chunk.length; });
    request.on('end', () => response.end(String(bytes)));
    return;
  }
  const total = Number(url.searchParams.get('bytes'));
  written = 0;
  response.writeHead(200, { 'content-length': total });
  const pump = () => {
    while (written < total) {
      const chunk = block.subarray(0, Math.min(block.length, total - written));
      written += chunk.length;
      if (!response.write(chunk)) return response.once('drain', pump);
    }
    response.end();
  };
  pump();
};`,
};

describe('streaming', () => {
  let host: TestHost;
  beforeAll(async () => {
    const config = 'applications: { limits: { heap: 64MiB, body: 4GiB } }\n';
    host = await TestHost.start({ config, apps: { streams } });
  });
  afterAll(async () => {
    await host.stop();
  });

  /** Largest resident size that the host's processes had so far. */
  const peakBytes = () =>
    Math.max(
      ...childrenOf(host.pid).map(
        (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024,
      ),
    );

  it('carries an upload of 2 GiB through an application with 64 MB of heap', async () => {
    const block = Buffer.alloc(1024 * 1024, 'y');
    const answer = await new Promise<string>((resolve, reject) => {
      const upload = request(
        host.url('/streams/'),
        { method: 'POST', headers: { 'content-length': 2 * GIB } },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => resolve(text));
        },
      ).on('error', reject);
      let left = 2 * GIB;
      const pump = (): void => {
        while (left > 0) {
          left -= block.length;
          if (!upload.write(block)) {
            upload.once('drain', pump);
            return;
          }
        }
        upload.end();
      };
      pump();
    });
    expect(Number(answer)).toBe(2 * GIB);
    expect(peakBytes()).toBeLessThan(300 * MIB);
  }, 300_000);

  it('carries a download of 2 GiB', async () => {
    const bytes = await new Promise<number>((resolve, reject) => {
      request(host.url(`/streams/?bytes=${2 * GIB}`), (response) => {
        let count = 0;
        response.on('data', (chunk: Buffer) => {
          count += chunk.length;
        });
        response.on('end', () => resolve(count)).on('error', reject);
      })
        .on('error', reject)
        .end();
    });
    expect(bytes).toBe(2 * GIB);
    expect(peakBytes()).toBeLessThan(300 * MIB);
  }, 300_000);

  it('stops the writes of the application when the client stops reading', async () => {
    const socket = connect(host.port, '127.0.0.1');
    socket.write(`GET /streams/?bytes=${GIB} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    let last = -1;
    const stalled = await until('the application has stopped writing', async () => {
      const now = Number(await host.text('/streams/written'));
      const isSame = now === last;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return isSame ? now : undefined;
    });
    // Kernel buffers on the way hold some megabytes; the rest of the gigabyte must not have been produced.
    expect(stalled).toBeLessThan(64 * MIB);
    socket.destroy();
  }, 300_000);
});
