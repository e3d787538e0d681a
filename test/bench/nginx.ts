import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, stopped } from './alone.js';
import { temporaryFolder } from './host.js';
import type { Peer, PeerCertificate } from './peer.js';

/**
 * nginx with one worker and its access log: fixed answers, and a file of 100 KiB at `/large`. Speaks TLS and HTTP/2 when
 * it is given a certificate. Undefined when it is not installed.
 */
export async function startNginx(certificate?: PeerCertificate): Promise<Peer | undefined> {
  if (spawnSync('nginx', ['-v'], { stdio: 'ignore' }).error !== undefined) return undefined;
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'logs'));
  writeFileSync(join(folder, 'large'), 'x'.repeat(100 * 1024));
  const [http, https] = [await freePort(), await freePort()];
  const locations = `client_max_body_size 10m; default_type text/plain;
    location = /large { root ${folder}; }
    location / { return 200 "Hello World\\n"; }`;
  const secure =
    certificate === undefined
      ? ''
      : `server { listen 127.0.0.1:${https} ssl http2; http2_max_requests 100000000;
    ssl_certificate ${certificate.certFile}; ssl_certificate_key ${certificate.keyFile}; ${locations} }`;
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/logs/error.log; user root;
events { worker_connections 4096; }
http { access_log ${folder}/logs/access.log; keepalive_requests 100000000; sendfile on;
  server { listen 127.0.0.1:${http}; ${locations} } ${secure} }`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await delay(500);
  const httpsUrl = certificate === undefined ? undefined : `https://127.0.0.1:${https}/`;
  return {
    pid: child.pid ?? 0,
    http: `http://127.0.0.1:${http}/`,
    https: httpsUrl,
    http2: httpsUrl,
    stop: () => stopped(child),
  };
}
