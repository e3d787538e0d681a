import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthSettings } from '../config/health-settings.js';
import { messageOf } from '../errors.js';
import type { ServerLog } from '../log/server-log.js';
import type { DeploymentChange, DeploymentProcess, InstanceStatus } from './deployment-process.js';

/** Servers elsewhere that are to be watched. */
export interface UpstreamSpec {
  readonly deployment: string;
  readonly application: string;
  readonly urls: readonly string[];
  /** What each must answer: `path` is put behind its URL. */
  readonly health: HealthSettings & { readonly path: string };
}

/** One of them. */
interface Watched {
  readonly url: string;
  state: 'unknown' | 'healthy' | 'down';
  /** Failures in a row. */
  failures: number;
  reason: string;
  since: string | undefined;
}

/**
 * Asks servers elsewhere for their health, again and again, and names those that may get requests. They are not ours: none
 * is started or ended. One is down when it was asked `retries` times more in vain, and up again with its first healthy
 * answer. Made by the supervisor; stopped by whoever asked for it.
 */
export class UpstreamWatch implements DeploymentProcess {
  readonly deployment: string;
  /** When one is healthy, or all have turned out to be down: they may come up later. Never rejects. */
  readonly ready: Promise<void>;
  readonly #spec: UpstreamSpec;
  readonly #log: ServerLog;
  readonly #watched: readonly Watched[];
  readonly #end = new AbortController();
  readonly #listeners: ((change: DeploymentChange) => void)[] = [];
  readonly #rounds: Promise<void>;
  #resolveReady: () => void = () => undefined;

  constructor(spec: UpstreamSpec, log: ServerLog) {
    this.#spec = spec;
    this.deployment = spec.deployment;
    this.#log = log.child({ application: spec.application, deployment: spec.deployment });
    this.#watched = spec.urls.map((url) => ({
      url,
      state: 'unknown',
      failures: 0,
      reason: 'it has not been asked yet',
      since: undefined,
    }));
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.#rounds = Promise.all(this.#watched.map((one) => this.#watch(one))).then(() => undefined);
  }

  upstreams(): readonly string[] {
    return this.#watched.filter(({ state }) => state === 'healthy').map(({ url }) => url);
  }

  addresses(): readonly [] {
    return [];
  }

  status(): readonly InstanceStatus[] {
    return this.#watched.map(({ url, state, since }) => ({
      instance: url,
      pid: undefined,
      state: state === 'healthy' ? 'running' : 'waiting',
      restarts: 0,
      startedAt: since,
      rssBytes: 0,
      heapUsedBytes: 0,
      cpuSeconds: 0,
      utilization: 0,
    }));
  }

  lastOutput(): readonly string[] {
    return this.#watched
      .filter(({ state }) => state === 'down')
      .map(({ url, reason }) => `${url}: ${reason}`);
  }

  onChange(listener: (change: DeploymentChange) => void): void {
    this.#listeners.push(listener);
  }

  suspect(): void {
    // Fronts know no instances of it.
  }

  async stop(): Promise<void> {
    this.#end.abort();
    this.#resolveReady();
    await this.#rounds;
  }

  async #watch(one: Watched): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      this.#judge(one, await this.#ask(one.url));
      await sleep(this.#spec.health.intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Undefined: healthy. */
  async #ask(url: string): Promise<string | undefined> {
    const { path, status, timeoutMs } = this.#spec.health;
    try {
      const response = await fetch(`${url}${path}`, {
        redirect: 'manual',
        headers: { 'user-agent': 'portico-health' },
        signal: AbortSignal.any([this.#end.signal, AbortSignal.timeout(timeoutMs)]),
      });
      await response.body?.cancel();
      const isHealthy = response.status >= status.from && response.status <= status.to;
      return isHealthy ? undefined : `${path} gave ${response.status}, not ${status.from}-${status.to}`;
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      return `${path} gave no answer: ${messageOf(cause)}`;
    }
  }

  #judge(one: Watched, problem: string | undefined): void {
    if (this.#end.signal.aborted) return;
    const before = one.state;
    one.failures = problem === undefined ? 0 : one.failures + 1;
    if (problem !== undefined) one.reason = problem;
    if (problem === undefined) one.state = 'healthy';
    else if (one.failures > this.#spec.health.retries) one.state = 'down';
    if (one.state === before) return;
    const { url, reason } = one;
    if (one.state === 'healthy') {
      one.since = new Date().toISOString();
      this.#log.info({ event: 'upstream-up', url }, `${url} is healthy`);
    } else {
      one.since = undefined;
      this.#log.warn({ event: 'upstream-down', url, reason }, `${url} is down: ${reason}`);
    }
    this.#tell(one);
    const isSettled = this.#watched.every(({ state }) => state === 'down');
    if (one.state === 'healthy' || isSettled) this.#resolveReady();
  }

  #tell({ url, reason }: Watched): void {
    const isLast = this.upstreams().length === 0;
    const { intervalMs } = this.#spec.health;
    const change: DeploymentChange = isLast
      ? { kind: 'restarting', instance: url, reason, retryInMs: intervalMs }
      : { kind: 'addresses' };
    for (const listener of this.#listeners) listener(change);
  }
}
