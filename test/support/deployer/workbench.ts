import { existsSync, readdirSync, renameSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isArchiveComplete } from '#host/bundle/archive.js';
import { readManifest } from '#host/bundle/read-manifest.js';
import { BundleStore } from '#host/bundle/store.js';
import { DEFAULT_APPLICATION_SETTINGS } from '#host/config/application-settings.js';
import type { ApplicationSettings, ArchiveLimits } from '#host/config/host-config.js';
import { Deployer, type DeployerOptions } from '#host/deployer/deployer.js';
import { inspectCandidate } from '#host/deployer/plan/inspect-candidate.js';
import { StandInLauncher } from './stand-in-launcher.js';
import { StandInRoutes } from './stand-in-routes.js';

/** A deployer on a real drop folder and a real store, with stand-ins for processes and fronts. */
export class Workbench {
  readonly base: string;
  readonly apps: string;
  readonly work: string;
  readonly lines: {
    readonly level: string;
    readonly fields: Record<string, unknown>;
    readonly message: string;
  }[] = [];
  launcher = new StandInLauncher();
  routes = new StandInRoutes();
  #options: Partial<DeployerOptions>;
  #drafts = 0;
  #deployer: Deployer | undefined;

  private constructor(base: string, options: Partial<DeployerOptions>) {
    this.base = base;
    this.apps = join(base, 'apps');
    this.work = join(base, 'work');
    this.#options = options;
  }

  static async make(options: Partial<DeployerOptions> = {}): Promise<Workbench> {
    const bench = new Workbench(await mkdtemp(join(tmpdir(), 'portico-deployer-')), options);
    await mkdir(bench.apps);
    await mkdir(bench.work);
    return bench;
  }

  get deployer(): Deployer {
    if (this.#deployer === undefined) throw new Error('the deployer is not open');
    return this.#deployer;
  }

  /** For the next deployer, as an edited configuration. */
  set(options: Partial<DeployerOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  /** Opens a deployer; a second time it is a new one, as after a restart of the host. */
  async open(): Promise<Deployer> {
    this.launcher = new StandInLauncher();
    this.routes = new StandInRoutes();
    const note = (level: string) => (fields: object, message: string) => {
      this.lines.push({ level, fields: { ...fields }, message });
    };
    this.#deployer = new Deployer({
      appsFolder: this.apps,
      workFolder: this.work,
      scanIntervalMs: 200,
      stabilityWindowMs: 60,
      maxParallelStarts: 4,
      maxEntries: 1000,
      defaults: SETTINGS,
      launcher: this.launcher,
      routes: this.routes,
      store: new BundleStore(this.work, LIMITS),
      readManifest,
      isArchiveComplete,
      inspect: (candidate) => inspectCandidate(candidate, { applications: SETTINGS, archives: LIMITS }),
      log: { info: note('info'), warn: note('warn'), error: note('error') },
      ...this.#options,
    });
    await this.#deployer.open();
    return this.#deployer;
  }

  /** As after SIGKILL: what ran is gone, nothing was tidied up. */
  async kill(): Promise<void> {
    const dead = this.#deployer;
    this.#deployer = undefined;
    await dead?.close(1000);
  }

  /**
   * Writes files of the drop folder, by path: `shop/server.js`. Values are contents. They appear all at once, so that
   * no scan, however late the test goes on, can take half of them for the whole.
   */
  async put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    const draft = join(this.base, `draft-${++this.#drafts}`);
    await mkdir(draft);
    for (const [name, content] of Object.entries(files)) {
      const top = name.split('/')[0] ?? name;
      const isFirst = !existsSync(join(draft, top));
      if (isFirst && top !== name && existsSync(join(this.apps, top))) {
        await cp(join(this.apps, top), join(draft, top), { recursive: true, verbatimSymlinks: true });
      }
      await mkdir(dirname(join(draft, name)), { recursive: true });
      await writeFile(join(draft, name), content);
    }
    await mkdir(this.apps, { recursive: true });
    for (const top of readdirSync(draft)) {
      const place = join(this.apps, top);
      if (existsSync(place)) renameSync(place, join(this.base, `old-${++this.#drafts}`));
      renameSync(join(draft, top), place);
    }
  }

  /** Lets the files grow older than the stability window. */
  async quiet(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }

  /** In one step, as `put`. */
  remove(...names: readonly string[]): void {
    for (const name of names) renameSync(join(this.apps, name), join(this.base, `old-${++this.#drafts}`));
  }

  status(name: string) {
    return this.deployer.find(name);
  }

  logged(code: string): string[] {
    return this.lines.filter(({ fields }) => fields['code'] === code).map(({ message }) => message);
  }

  events(event: string): unknown[] {
    return this.lines
      .filter(({ fields }) => fields['event'] === event)
      .map(({ fields }) => fields['application']);
  }

  async close(): Promise<void> {
    await this.#deployer?.close(2000);
    await rm(this.base, { recursive: true, force: true });
  }
}

/**
 * Waits until a claim is true; fails with it when it is not within the time. A claim must stay true once it is: on a
 * slow machine it is looked at late.
 */
export async function until(claim: () => boolean, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!claim()) {
    if (performance.now() > deadline) throw new Error(`not true within ${withinMs} ms: ${claim}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Looks at the drop folder again and again, for long enough that whatever has to happen has happened. */
export async function settled(bench: Workbench, forMs = 750): Promise<void> {
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await bench.deployer.rescan();
  }
}

const LIMITS: ArchiveLimits = {
  maxTotalBytes: 10 * 1024 * 1024,
  maxFileBytes: 5 * 1024 * 1024,
  maxEntries: 1000,
  maxRatio: 100,
  maxDepth: 16,
};

const SETTINGS: ApplicationSettings = {
  ...DEFAULT_APPLICATION_SETTINGS,
  startWhen: 'eager',
  startTimeoutMs: 60_000,
  stopTimeoutMs: 1000,
  drainTimeoutMs: 20_000,
  responseTimeoutMs: 1000,
  prefix: 'strip',
  instances: 1,
  maxHeapBytes: 0,
  maxMemoryBytes: 0,
  maxBodyBytes: 1024,
  hangTimeoutMs: 1000,
  request: { malformedEscapes: 'refuse', trace: 'refuse' },
  restart: { minDelayMs: 10, maxDelayMs: 100, maxCrashes: 3, windowMs: 1000 },
  history: 1,
  probation: { ...DEFAULT_APPLICATION_SETTINGS.probation, windowMs: 0 },
  env: {},
};
