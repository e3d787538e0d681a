import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeAuthority, makeCertificate } from '#test/support/certificates.js';
import { killFront } from '#test/support/fronts.js';
import { TestHost } from '#test/support/host.js';
import { OcspResponder } from '#test/support/ocsp-responder.js';
import { until } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const authority = makeAuthority();
let folder: TemporaryFolder;
let responder: OcspResponder;
let host: TestHost;

beforeAll(async () => {
  folder = new TemporaryFolder();
  responder = await OcspResponder.start(authority);
  const shop = makeCertificate({ names: ['shop.example'], authority, responder: responder.url });
  // Nobody listens there.
  const blog = makeCertificate({ names: ['blog.example'], authority, responder: 'http://127.0.0.1:9/' });
  folder.write('', {
    'shop.pem': shop.cert + authority.cert,
    'shop.key': shop.key,
    'blog.pem': blog.cert + authority.cert,
    'blog.key': blog.key,
  });
  host = await TestHost.start({
    apps: { ROOT: { 'index.html': 'hello' } },
    config: `connectors:
  - name: https
    host: 127.0.0.1
    tls:
      certificates:
        - { cert: ${folder.at('shop.pem')}, key: ${folder.at('shop.key')} }
        - { cert: ${folder.at('blog.pem')}, key: ${folder.at('blog.key')} }
      ocspStapling: true
`,
  });
});
afterAll(async () => {
  await host?.stop();
  await responder.stop();
  folder.remove();
});

const stapledFor = async (servername: string) => {
  const options = { port: host.port, host: '127.0.0.1', servername, ca: authority.cert, requestOCSP: true };
  const socket = connect(options);
  let response: Buffer | null = null;
  socket.on('OCSPResponse', (bytes: Buffer | null) => {
    response = bytes;
  });
  await once(socket, 'secureConnect');
  socket.destroy();
  return response as Buffer | null;
};

describe('a host that staples', () => {
  it('shows clients what the responder says, and serves where there is none', async () => {
    const stapled = await until(
      'there is a staple',
      async () => (await stapledFor('shop.example')) ?? undefined,
    );
    expect(stapled).toEqual(responder.answers[0]);
    expect(await stapledFor('blog.example')).toBeNull();
    const ocsp = await until('both were asked', async () => {
      const state = (await (await host.admin('/v1/certificates')).json()) as {
        certificates: { ocsp: { state: string; responder: string; lastError?: string } }[];
      };
      const all = state.certificates.map((one) => one.ocsp);
      return all.some((one) => one.state === 'waiting') ? undefined : all;
    });
    expect(ocsp).toEqual([
      expect.objectContaining({ state: 'stapled', responder: responder.url }),
      expect.objectContaining({ state: 'failed', lastError: expect.stringMatching(/cannot be asked/) }),
    ]);
    const metrics = await (await host.admin('/metrics')).text();
    expect(metrics).toContain('portico_ocsp_staples{connector="https",state="stapled"} 1');
    expect(metrics).toContain('portico_ocsp_staples{connector="https",state="failed"} 1');
    expect(metrics).toMatch(/portico_ocsp_requests_total\{connector="https",result="failed"\} [1-9]/);
    expect(host.log).toMatch(/"level":"warn"[^\n]*blog\.example[^\n]*"ocsp-failed"/);
  });

  it('goes on so with a front that takes the place of another, without asking again', async () => {
    const questions = responder.questions;
    await killFront(host);
    expect(await stapledFor('shop.example')).toEqual(responder.answers[0]);
    expect(responder.questions).toBe(questions);
  });
});
