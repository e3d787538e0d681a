import { startAlone } from './alone.js';
import { limit, median, pairedRatio, ratio, type Target } from './figures.js';
import { type BenchHost, startHost } from './host.js';
import { generator, load, type Round } from './load.js';
import { childrenOf, settledBytes } from './memory.js';
import { startNginx } from './nginx.js';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 3);
const site = { 'index.html': '<!doctype html><title>Site</title>' };

/**
 * The container against its peers. Every subject is up during the whole run; rounds are interleaved, so that a slow
 * spell of the machine hits all of them; the figure of a subject is the median of its rounds. 5 rounds of 3 s.
 */
export async function measureHost(): Promise<object> {
  const host = await startHost({ framework: 'framework', handler: 'handler', express: 'express' });
  const crowded = await startHost({
    framework: 'framework',
    ...Object.fromEntries(Array.from({ length: 999 }, (_, i) => [`site${i}`, site])),
  });
  const alone = {
    node: await startAlone('node'),
    embedded: await startAlone('embedded'),
    express: await startAlone('express'),
    fastify: await startAlone('fastify'),
    proxy: await startAlone('proxy'),
    routes10: await startAlone('routes10'),
    routes1000: await startAlone('routes1000'),
  };
  const nginx = await startNginx();

  const subjects: Subjects = {
    'node:http alone': alone.node.url,
    'nginx return 200': nginx?.http,
    'Fastify alone': alone.fastify.url,
    'Express alone': alone.express.url,
    'http-proxy + process': alone.proxy.url,
    'framework on CIO alone': alone.embedded.url,
    'framework on CIO, 10 routes': `${alone.routes10.url}items5/7/tabs`,
    'framework on CIO, 1,000 routes': `${alone.routes1000.url}items500/7/tabs`,
    'framework through host': `${host.url}/framework/`,
    '(req, res) through host': `${host.url}/handler/`,
    'Express through host': `${host.url}/express/`,
    'framework, 1,000 contexts': `${crowded.url}/framework/`,
  };

  const memory = await measureMemory(host);
  const busy = await measure(subjects, 64);
  const single = await measure(subjects, 1);
  await Promise.all(
    [host, crowded, ...Object.values(alone), ...(nginx ? [nginx] : [])].map((subject) => subject.stop()),
  );
  const ratios = print(busy, single, memory);
  const results = { busy: Object.fromEntries(busy), single: Object.fromEntries(single) };
  return { generator, rounds, seconds, memory, ratios, results };
}

type Subjects = Readonly<Record<string, string | undefined>>;
type Results = ReadonlyMap<string, Round[]>;
interface Memory {
  readonly host: number;
  readonly application: number;
}

/** Interleaved rounds; the first, warming round is thrown away. */
async function measure(subjects: Subjects, connections: number): Promise<Results> {
  const results = new Map<string, Round[]>();
  for (let round = 0; round <= rounds; round++) {
    const order = Object.entries(subjects);
    for (const [name, url] of round % 2 === 0 ? order : order.reverse()) {
      if (url === undefined) continue;
      const result = await load(url, connections, round === 0 ? 2 : seconds);
      if (result.failures > 0) throw new Error(`${name}: ${result.failures} failed answers at ${url}`);
      if (round > 0) results.set(name, [...(results.get(name) ?? []), result]);
    }
  }
  return results;
}

/** Idle, after the work of the start is over. Proportional: shared pages count less the more processes share them. */
async function measureMemory(subject: BenchHost): Promise<Memory> {
  // The front is the first child; the applications follow. The framework application is the smallest of them.
  const [server = Number.NaN, front = Number.NaN, ...applications] = await settledBytes([
    subject.pid,
    ...childrenOf(subject.pid),
  ]);
  return { host: server + front, application: Math.min(...applications) };
}

function print(busy: Results, single: Results, memory: Memory): readonly Target[] {
  const rates = (name: string) => (busy.get(name) ?? []).map(({ requestsPerSecond }) => requestsPerSecond);
  const against = (what: string, one: string, other: string, target: number) =>
    ratio(what, pairedRatio(rates(one), rates(other)), target);
  const p50 = (name: string) => median((single.get(name) ?? []).map(({ p50Ms }) => p50Ms));
  const table: Record<string, unknown>[] = [...busy].map(([name, results]) => {
    const taken = rates(name);
    return {
      subject: name,
      'req/s (median)': Math.round(median(taken)),
      'min…max': `${Math.round(Math.min(...taken))}…${Math.round(Math.max(...taken))}`,
      'p99 ms': median(results.map(({ p99Ms }) => p99Ms)),
      'p50 ms, 1 connection': p50(name),
    };
  });
  console.log(
    `load: ${generator}, 64 connections, ${rounds} rounds of ${seconds} s, Node ${process.version}`,
  );
  console.table(table);
  const ratios = [
    against('framework on CIO ÷ node:http', 'framework on CIO alone', 'node:http alone', 1.7),
    against('framework through host ÷ node:http', 'framework through host', 'node:http alone', 1.3),
    against('framework through host ÷ nginx', 'framework through host', 'nginx return 200', 0.6),
    against('(req, res) through host ÷ alone', '(req, res) through host', 'node:http alone', 0.8),
    against('Express through host ÷ alone', 'Express through host', 'Express alone', 0.95),
    against('framework through host ÷ http-proxy', 'framework through host', 'http-proxy + process', 1),
    against('1,000 contexts ÷ few', 'framework, 1,000 contexts', 'framework through host', 0.95),
    against(
      '1,000 routes ÷ 10 routes',
      'framework on CIO, 1,000 routes',
      'framework on CIO, 10 routes',
      0.85,
    ),
    limit('p50 added at one connection, ms', p50('framework through host') - p50('node:http alone'), 0.05),
    limit('host (server + front), MiB proportional', memory.host / 1024 ** 2, 60),
    limit('idle framework application, MiB proportional', memory.application / 1024 ** 2, 14),
  ];
  console.table(ratios);
  return ratios;
}
