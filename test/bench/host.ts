import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BundleContent, TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import type { Peer, PeerCertificate } from './peer.js';

/** A host that runs for a measurement, started as a user starts it, access log and metrics on. */
export interface BenchHost {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<unknown>;
}

/** As good as no configuration: every setting has its default. */
const DEFAULTS = 'accessLog: { enabled: true }\n';

/** Starts a host with these bundles: name → folder below `test/bench/subjects`, or files. */
export async function startHost(
  bundles: Readonly<Record<string, BundleContent>>,
  config = DEFAULTS,
): Promise<BenchHost> {
  const subjects = join(repositoryFolder, 'test/bench/subjects');
  const apps = Object.entries(bundles).map(([name, content]) => [
    name,
    typeof content === 'string' ? join(subjects, content) : content,
  ]);
  const host = await TestHost.start({ apps: Object.fromEntries(apps), config });
  return { pid: host.pid, url: host.url(''), stop: () => host.stop() };
}

/**
 * A host with the application of the group `connector` at the root, reached over HTTP, HTTPS and HTTP/2, with some fronts.
 */
export async function startConnectorHost(certificate: PeerCertificate, fronts: number): Promise<Peer> {
  const { keyFile, certFile } = certificate;
  const config = `fronts: ${fronts}
connectors:
  - { name: http, host: 127.0.0.1, port: 0 }
  - { name: https, host: 127.0.0.1, port: 0, tls: { certificates: [{ cert: ${certFile}, key: ${keyFile} }] } }
`;
  const host = await TestHost.start({
    apps: { ROOT: join(repositoryFolder, 'test/bench/subjects/connector') },
    config,
  });
  const [http, https] = host.ports;
  const secure = `https://127.0.0.1:${https}/`;
  return {
    pid: host.pid,
    http: `http://127.0.0.1:${http}/`,
    https: secure,
    http2: secure,
    stop: () => host.stop(),
  };
}

/** Temporary folder for subjects that need one. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'portico-bench-'));
}
