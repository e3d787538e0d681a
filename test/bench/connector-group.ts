import { startServer } from './alone.js';
import { CONNECTOR_LINES, type ConnectorLine } from './connector-lines.js';
import { cpuMicroseconds } from './cpu-time.js';
import { median, pairedRatio, ratio, rounded, type Target } from './figures.js';
import { hasH2load, loadHttp2 } from './h2load.js';
import { startConnectorHost } from './host.js';
import { generator, load } from './load.js';
import { descendantsOf } from './memory.js';
import { startNginx } from './nginx.js';
import type { Peer } from './peer.js';
import { makePeerCertificate } from './peer-certificate.js';
import { startTomcat } from './tomcat.js';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 2);
const here = new URL('./', import.meta.url);

interface Sample {
  readonly requestsPerSecond: number;
  readonly cpuPerRequest: number;
}
type Samples = ReadonlyMap<string, readonly Sample[]>;

/**
 * The connectors of a host with one framework application against bare Node, nginx and Tomcat, line by line; all peers
 * write an access log, apart from bare Node. Peers that are not installed are left out. BENCH_LINES chooses lines whose
 * name contains one of the words given, with commas; BENCH_PEERS names the peers (`host,nginx`).
 */
export async function measureConnector(): Promise<object> {
  const certificate = makePeerCertificate();
  const peers = new Map<string, Peer>();
  const chosen = process.env['BENCH_PEERS']?.split(',');
  const add = async (name: string, start: () => Promise<Peer | undefined>): Promise<void> => {
    const peer = chosen?.includes(name) === false ? undefined : await start();
    if (peer !== undefined) peers.set(name, peer);
  };
  for (const name of ['http', 'https', 'h2'] as const)
    await add(`node:${name}`, () => startNode(name, [certificate.keyFile, certificate.certFile]));
  await add('nginx', () => startNginx(certificate));
  await add('Tomcat 10.1', () => startTomcat(certificate));
  await add('host', () => startConnectorHost(certificate, 1));
  await add('host, 2 fronts', () => startConnectorHost(certificate, 2));

  const words = process.env['BENCH_LINES']?.split(',') ?? [''];
  const results: Record<string, object> = {};
  const targets: Target[] = [];
  try {
    for (const line of CONNECTOR_LINES.filter(({ name }) => words.some((word) => name.includes(word)))) {
      if (line.over === 'http2' && !hasH2load) continue;
      const samples = await measureLine(peers, line);
      results[line.name] = Object.fromEntries(samples);
      printLine(line, samples);
      targets.push(...targetsOf(line, samples));
    }
  } finally {
    await Promise.all([...peers.values()].map((peer) => peer.stop()));
  }
  console.table(targets);
  return { generator, rounds, seconds, targets, results };
}

async function startNode(kind: 'http' | 'https' | 'h2', files: readonly string[]): Promise<Peer> {
  const program = new URL('../../../test/bench/subjects/connector/node.mjs', here).pathname;
  const { pid, url, stop } = await startServer([program, kind, ...(kind === 'http' ? [] : files)]);
  const secure = url.replace('http:', 'https:');
  return {
    pid,
    http: kind === 'http' ? url : undefined,
    https: kind === 'https' ? secure : undefined,
    http2: kind === 'h2' ? secure : undefined,
    stop,
  };
}

/** Interleaved rounds; the first one warms and is thrown away. */
async function measureLine(peers: ReadonlyMap<string, Peer>, line: ConnectorLine): Promise<Samples> {
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round <= rounds; round++)
    for (const [name, peer] of round % 2 === 0 ? peers : [...peers].reverse()) {
      const url = peer[line.over];
      if (url === undefined) continue;
      if (round === 0) await warm(url + line.path, line);
      else samples.set(name, [...(samples.get(name) ?? []), await measure(peer, url + line.path, line)]);
    }
  return samples;
}

/** Java has its first handshakes to compile, which takes seconds, and many of them on a busy machine. */
async function warm(url: string, line: ConnectorLine): Promise<void> {
  for (let attempt = 0; attempt < 8; attempt++)
    if ((await loadLine(url, line, Math.max(4, seconds))).requests > 0) return;
}

async function loadLine(url: string, line: ConnectorLine, length: number) {
  const { connections, kind, over } = line;
  return over === 'http2'
    ? await loadHttp2(url, connections, 16, length)
    : await load(url, connections, length, kind);
}

async function measure({ pid }: Peer, url: string, line: ConnectorLine): Promise<Sample> {
  const processes = [pid, ...descendantsOf(pid)];
  const used = (): number => processes.reduce((sum, one) => sum + cpuMicroseconds(one), 0);
  const before = used();
  const round = await loadLine(url, line, seconds);
  if (round.requests === 0 || round.failures > 0)
    throw new Error(`${round.failures} failed answers of ${round.requests} at ${url} (${line.name})`);
  return {
    requestsPerSecond: round.requestsPerSecond,
    cpuPerRequest: (used() - before) / round.requests,
  };
}

function printLine(line: ConnectorLine, samples: Samples): void {
  console.log(`${line.name}: ${line.connections} connections, ${rounds} rounds of ${seconds} s`);
  console.table(
    [...samples].map(([peer, taken]) => {
      const rates = taken.map(({ requestsPerSecond }) => requestsPerSecond);
      return {
        peer,
        'req/s (median)': Math.round(median(rates)),
        'min…max': `${Math.round(Math.min(...rates))}…${Math.round(Math.max(...rates))}`,
        'CPU µs/request': rounded(median(taken.map(({ cpuPerRequest }) => cpuPerRequest)), 1),
      };
    }),
  );
}

/** The host against each peer; the targets of the first line are those of the whole design. */
function targetsOf({ name }: ConnectorLine, samples: Samples): readonly Target[] {
  const ratesOf = (peer: string): readonly number[] =>
    (samples.get(peer) ?? []).map(({ requestsPerSecond }) => requestsPerSecond);
  const cpuOf = (peer: string): readonly number[] =>
    (samples.get(peer) ?? []).map(({ cpuPerRequest }) => cpuPerRequest);
  const least: Readonly<Record<string, number>> = { 'Tomcat 10.1': 1, nginx: 0.6 };
  return [...samples.keys()]
    .filter((peer) => !peer.startsWith('host'))
    .map((peer) => {
      const byRate = pairedRatio(ratesOf('host'), ratesOf(peer));
      return ratio(
        `${name}: host ÷ ${peer}`,
        byRate,
        least[peer] ?? 1,
        pairedRatio(cpuOf(peer), cpuOf('host')),
      );
    });
}
