import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { Agent, get as httpsGet } from 'node:https';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { makeDevelopmentCertificate } from '#host/server/certificates/development-certificate.js';
import { AcmeServer } from '#test/support/acme/acme-server.js';
import { makeCertificate } from '#test/support/certificates.js';
import { killFront } from '#test/support/fronts.js';
import { TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

jest.setTimeout(180_000);

const QUICK = 'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\n';
const apps = { ROOT: { 'index.html': 'hello', 'large.bin': 'x'.repeat(4 * 1024 * 1024) } };
const cli = join(repositoryFolder, 'dist/host/cli/main.js');

interface State {
  readonly certificates: readonly {
    readonly connector: string;
    readonly issuer: string;
    readonly hosts: string[];
  }[];
  readonly acme: readonly { readonly state: string; readonly lastError?: { readonly message: string } }[];
  readonly reloads: readonly {
    readonly succeeded: number;
    readonly failed: number;
    readonly lastError?: string;
  }[];
}

let folder: TemporaryFolder;
let host: TestHost | undefined;
let authority: AcmeServer | undefined;
beforeEach(() => {
  folder = new TemporaryFolder();
});
afterEach(async () => {
  await host?.stop();
  host = undefined;
  await authority?.stop();
  authority = undefined;
  folder.remove();
});

/** The certificate that a new connection is shown: its serial number and who has signed it. */
async function shown(port: number, name: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: name, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber, issuer } = socket.getPeerCertificate();
  socket.destroy();
  return `${serialNumber} ${issuer.CN}`;
}

const state = async (of: TestHost) => (await (await of.admin('/v1/certificates')).json()) as State;

/** Ports in the order of the connectors. */
async function ports(of: TestHost): Promise<readonly number[]> {
  const answer = (await (await of.admin('/v1/server')).json()) as {
    server: { connectors: { port: number }[] };
  };
  return answer.server.connectors.map(({ port }) => port);
}

/** A free port, for what must be known before the start. */
async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const portico = (base: string, ...args: string[]) =>
  new Promise<string>((resolve) => {
    execFile(process.execPath, [cli, ...args, '--base', base], { timeout: 60_000 }, (error, out, err) =>
      resolve(out + err + (error === null ? '' : `exit code ${error.code}`)),
    );
  });

/** A connection that lives over changes: a request now and then. */
class LongConnection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  readonly sockets = new Set<unknown>();
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async get(path: string): Promise<{ readonly size: number; readonly policy: string | undefined }> {
    return await new Promise((resolve, reject) => {
      const options = {
        port: this.#port,
        host: '127.0.0.1',
        path,
        agent: this.#agent,
        servername: 'a.example',
      };
      const request = httpsGet({ ...options, headers: { host: 'a.example' } }, (response) => {
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
        });
        response.on('end', () => resolve({ size, policy: response.headers['strict-transport-security'] }));
        response.on('error', reject);
      });
      request.on('socket', (socket) => this.sockets.add(socket));
      request.on('error', reject);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Asks for a large file and reads nothing before `rest`. */
async function slowDownload(port: number): Promise<{ rest(): Promise<number>; readonly socket: TLSSocket }> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'a.example', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  socket.write('GET /large.bin HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
  await once(socket, 'readable');
  const rest = async () => {
    let size = 0;
    for await (const chunk of socket) size += (chunk as Buffer).length;
    return size;
  };
  return { rest, socket };
}

describe('certificates of files', () => {
  const make = async (names: string[], force = true) =>
    await makeDevelopmentCertificate({
      names,
      days: 20,
      keyType: 'ec-p256',
      folder: folder.at('certs'),
      authority: false,
      force,
    });

  it('are read anew on change and on command; connections live on; broken files keep the old and say so', async () => {
    await make(['a.example']);
    await make(['b.example']);
    const at = (name: string) => folder.at('certs', name);
    host = await TestHost.start({
      apps,
      config: `${QUICK}connectors:
  - name: https
    host: 127.0.0.1
    tls:
      hsts: { maxAge: 30d }
      certificates:
        - { cert: ${at('a.example.crt')}, key: ${at('a.example.key')} }
        - { cert: ${at('b.example.crt')}, key: ${at('b.example.key')} }
      watchInterval: 1h # what the system tells must do
`,
    });
    const { port } = host;
    const first = await shown(port, 'a.example');
    const other = await shown(port, 'b.example');
    const long = new LongConnection(port);
    expect(await long.get('/')).toEqual({ size: 5, policy: 'max-age=2592000' });
    const download = await slowDownload(port);

    await make(['a.example']);
    await until(async () => (await shown(port, 'a.example')) !== first);
    const second = await shown(port, 'a.example');
    expect(await shown(port, 'b.example')).toBe(other);

    // Broken: what was served before is served on; the other one is replaced all the same.
    writeFileSync(at('a.example.crt'), 'broken');
    await make(['b.example']);
    await until(async () => (await shown(port, 'b.example')) !== other);
    expect(await shown(port, 'a.example')).toBe(second);
    const broken = await until(async () => {
      const { reloads } = await state(host as TestHost);
      return (reloads[0]?.failed ?? 0) > 0 ? reloads[0] : undefined;
    });
    expect(broken.lastError).toMatch(/a\.example\.crt holds no certificate/);
    expect(host.log).toMatch(/"event":"certificates-kept".*a\.example\.crt/);
    const metrics = await (await host.admin('/metrics')).text();
    expect(metrics).toMatch(/portico_certificate_reloads_total\{connector="https",result="failed"\} [1-9]/);
    const said = await portico(host.base, 'tls', 'reload', 'https');
    expect(said).toMatch(
      /a\.example\.crt holds no certificate.*\[PORTICO_CERTIFICATES_UNUSABLE\]\nexit code 1/s,
    );
    expect(await portico(host.base, 'status')).toMatch(/certificates:\nhttps {2}a\.example .*days left/);
    for (const verb of ['reload', 'status'])
      expect(await portico(host.base, 'tls', verb, 'nowhere')).toMatch(
        /no connector "nowhere" with TLS\. Those with TLS are: https\. \[PORTICO_CONNECTOR_UNKNOWN\]\nexit code 1/,
      );

    await make(['a.example']);
    expect(await portico(host.base, 'tls', 'reload')).toMatch(
      /^https {2}a\.example .*\nhttps {2}b\.example [^\n]*\n$/,
    );
    expect(await shown(port, 'a.example')).not.toBe(second);

    // Nothing of all this was seen by those who were there before.
    expect(await long.get('/')).toEqual({ size: 5, policy: 'max-age=2592000' });
    expect(long.sockets.size).toBe(1);
    long.close();
    expect(await download.rest()).toBeGreaterThan(4 * 1024 * 1024);
  });

  it('end, and the log warns before; the metric tells when', async () => {
    const { certificateFile, keyFile } = await make(['a.example'], false);
    cpSync(certificateFile, folder.at('copy.crt'));
    host = await TestHost.start({
      apps,
      config: `${QUICK}connectors: [{ name: https, host: 127.0.0.1, tls: { certificates: [{ cert: ${folder.at('copy.crt')}, key: ${keyFile} }] } }]\n`,
    });
    const metrics = await (await host.admin('/metrics')).text();
    const [, seconds] =
      /portico_certificate_expiry_timestamp_seconds\{connector="https",host="a\.example",key="ec"\} (\d+)/.exec(
        metrics,
      ) ?? [];
    const days = (Number(seconds) - Date.now() / 1000) / 86_400;
    expect(Math.round(days)).toBe(20);
    // 20 days of 20 are not near the end.
    expect(host.log).not.toContain('certificate-expiry');
  });
});

describe('a certificate that has ended', () => {
  it('does not keep the host from starting: log, metric and status say so', async () => {
    const { cert, key } = makeCertificate({
      names: ['a.example'],
      notAfter: new Date(Date.now() - 3_600_000),
    });
    folder.write('', { 'a.pem': cert, 'a.key': key });
    host = await TestHost.start({
      apps,
      config: `${QUICK}connectors: [{ name: https, host: 127.0.0.1, tls: { certificates: [{ cert: ${folder.at('a.pem')}, key: ${folder.at('a.key')} }] } }]\n`,
    });
    expect(await shown(host.port, 'a.example')).toMatch(/ a\.example$/);
    expect(host.log).toMatch(/"level":"error"[^\n]*"event":"certificate-expiry"[^\n]*a\.example has expired/);
    expect(await (await host.admin('/metrics')).text()).toContain(
      'portico_certificates_refused_by_clients{connector="https",reason="expired"} 1',
    );
    expect(await portico(host.base, 'tls', 'status')).toMatch(/^https {2}a\.example .* EXPIRED /);
  });
});

describe('certificates of an authority', () => {
  const config = (http: number, challenge: string, more: string) => `${QUICK}${more}connectors:
  - name: https
    host: 127.0.0.1
    tls:
      acme:
        directory: ${authority?.directoryUrl}
        directoryCa: ${folder.at('ca.pem')}
        agreeTerms: true
        contact: ops@example.org
        hosts: [a.example, www.a.example]
        challenge: ${challenge}
        retry: { minDelay: 1s, maxDelay: 2s }
  - { name: http, host: 127.0.0.1, port: ${http}, redirect: { to: https } }
`;
  const isIssued = async (of: TestHost) => (await state(of)).certificates[0]?.issuer === 'CN=Test authority';
  const startAuthority = async () => {
    authority = await AcmeServer.start();
    folder.write('', { 'ca.pem': authority.authority.certificatePem });
    return authority;
  };

  it('come by http-01 through a redirect; the start waits for nobody; renewal touches no connection', async () => {
    const ca = await startAuthority();
    ca.faults.isDown = true;
    ca.ports.http = await freePort();
    host = await TestHost.start({ apps, config: config(ca.ports.http, 'http-01', 'fronts: 2\n') });
    const { port } = host;
    const of = host;
    // Nobody is there: a certificate that answers for itself serves.
    expect(await shown(port, 'a.example')).toMatch(/ a\.example$/);
    await until(async () => (await state(of)).acme[0]?.state === 'failed');
    expect(await portico(host.base, 'tls', 'status')).toMatch(/cannot be asked: .*Next attempt/);
    ca.lifetimeMs = 30_000;
    ca.faults.isDown = false;
    await until('the first certificate', async () => await isIssued(of));
    const first = await shown(port, 'www.a.example');
    expect(first).toMatch(/ Test authority$/);
    const long = new LongConnection(port);
    expect((await long.get('/')).size).toBe(5);
    const download = await slowDownload(port);
    ca.lifetimeMs = 90 * 86_400_000;
    await until('the next certificate', async () => (await shown(port, 'a.example')) !== first, 90_000);
    expect((await long.get('/')).size).toBe(5);
    expect(long.sockets.size).toBe(1);
    long.close();
    expect(await download.rest()).toBeGreaterThan(4 * 1024 * 1024);
    const metrics = await (await host.admin('/metrics')).text();
    expect(metrics).toMatch(/portico_acme_failures\{connector="https"\} 0/);
    // Stored: a host that is started again asks nobody.
    const serial = await shown(port, 'a.example');
    await host.end();
    const asked = ca.requests.length;
    host = await TestHost.startOn(host.base);
    expect(await shown(host.port, 'a.example')).toBe(serial);
    expect(ca.requests.length).toBe(asked);
  });

  for (const challenge of ['http-01', 'tls-alpn-01'])
    it(`come though the front is killed while the authority looks (${challenge})`, async () => {
      const ca = await startAuthority();
      let isAsked: () => void = () => undefined;
      const asked = new Promise<void>((resolve) => {
        isAsked = resolve;
      });
      let look: () => void = () => undefined;
      const mayLook = new Promise<void>((resolve) => {
        look = resolve;
      });
      ca.pollSeconds = 1;
      ca.beforeValidation = async () => {
        isAsked();
        await mayLook;
      };
      host = await TestHost.start({ apps, config: config(await freePort(), challenge, '') });
      const of = host;
      [ca.ports.tls = 0, ca.ports.http = 0] = await ports(host);
      await asked;
      await killFront(host);
      look();
      await until('the certificate', async () => await isIssued(of));
      expect((await state(of)).acme[0]).toMatchObject({ state: 'waiting' });
      expect(host.log).not.toContain('acme-failed');
    });

  it('come by tls-alpn-01 at the connector itself, also after a challenge that failed', async () => {
    const ca = await startAuthority();
    ca.ports.tls = await freePort();
    host = await TestHost.start({
      apps,
      config: config(await freePort(), 'tls-alpn-01', ''),
    });
    const of = host;
    // Nobody listens where the authority looks.
    await until(async () => /is invalid/.test((await state(of)).acme[0]?.lastError?.message ?? ''));
    [ca.ports.tls = 0] = await ports(host);
    await until('the certificate', async () => await isIssued(of));
    expect(await shown(host.port, 'a.example')).toMatch(/ Test authority$/);
    // Nobody else is shown a challenge, and those who ask when there is none are refused.
    const socket = connect({
      port: host.port,
      host: '127.0.0.1',
      servername: 'a.example',
      ALPNProtocols: ['acme-tls/1'],
      rejectUnauthorized: false,
    });
    const refused = await new Promise((resolve) => {
      socket.once('error', () => resolve(true));
      socket.once('secureConnect', () => resolve(false));
    });
    expect(refused).toBe(true);
  });
});
