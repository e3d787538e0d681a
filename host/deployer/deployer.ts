import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApplicationSettings } from '../config/host-config.js';
import type { VirtualHosts } from '../config/virtual-hosts.js';
import { within } from '../deadline.js';
import { messageOf, PorticoError } from '../errors.js';
import { Slots } from '../slots.js';
import type { ApplicationStatus, Deployments } from './application-status.js';
import type { Collaborators } from './collaborators.js';
import type { ContextParts } from './context-parts.js';
import { DeployedContext } from './deployed-context.js';
import { DeployedContexts } from './deployed-contexts.js';
import { DeploymentJournal } from './history/deployment-journal.js';
import type { DeploymentView } from './history/deployment-view.js';
import { Journal } from './history/journal.js';
import { KeptContents } from './history/kept-contents.js';
import { KeptDescriptors } from './history/kept-descriptors.js';
import { DeployedJobs, type Jobs } from './jobs/jobs.js';
import { type Canaries, DeployedCanaries } from './live/canaries.js';
import { VersionMemory } from './live/version-memory.js';
import { Overview } from './overview.js';
import { dryRun, planSettings } from './plan/dry-run.js';
import type { Foreseen } from './plan/foresee.js';
import { forget, type Known, owe, plan, unknown, type Waiting } from './plan/plan.js';
import { PlanActions } from './plan-actions.js';
import { Dependencies } from './rollout/dependencies.js';
import { SharedStore } from './rollout/shared-store.js';
import { RouteBatch } from './route/route-batch.js';
import { type Scan, signatureOf } from './scan/candidate.js';
import { ReadyMarkers } from './scan/ready-markers.js';
import { refuseIfOutside, removeBundle } from './scan/remove-bundle.js';
import { Scanner } from './scan/scan.js';
import { Watcher } from './scan/watcher.js';

/** Everything the deployer is told. Durations are milliseconds, folders absolute. */
export interface DeployerOptions extends Collaborators {
  /** The drop folder. */
  readonly appsFolder: string;
  /** The journal lies here. */
  readonly workFolder: string;
  readonly scanIntervalMs: number;
  readonly stabilityWindowMs: number;
  readonly maxParallelStarts: number;
  /** Files of one exploded folder; `archives.maxEntries`. */
  readonly maxEntries: number;
  /** Defaults of every application. */
  readonly defaults: ApplicationSettings;
  /** Undefined: none are configured. */
  readonly virtualHosts?: VirtualHosts | undefined;
  /** For developers, see `RolloutParts.isDevelopment`. `only`: the one name of the drop folder that is looked at. */
  readonly development?: { readonly only: string | undefined } | undefined;
}

/** How long `open` waits in all for bundles that were still changing: stability windows, and at least so long. */
const FIRST_PASS_WINDOWS = 3;
const FIRST_PASS_MS = 2_000;
/** A start that takes longer does not keep the others from starting any more: it waits for something. */
const SLOW_START_MS = 5_000;

/**
 * Keeps what runs equal to what lies in the drop folder. Made by the server; stopped by it before the supervisor and
 * the fronts, which it uses but does not own. It owns the watcher, the journal, and one context for each place.
 *
 * What is deployed always follows from the files: after a crash of the host in the middle of anything, the next start
 * converges to the same result.
 */
export class Deployer implements Deployments {
  readonly canaries: Canaries = new DeployedCanaries((nameOrPath) => this.#contexts.named(nameOrPath));
  readonly jobs: Jobs = new DeployedJobs((nameOrPath) => this.#contexts.named(nameOrPath));
  readonly #options: DeployerOptions;
  readonly #scanner: Scanner;
  readonly #watcher: Watcher;
  readonly #store: SharedStore;
  readonly #contexts = new DeployedContexts(
    (place) =>
      new DeployedContext(place, {
        ...this.#parts,
        held: this.#open.journal.held,
        memory: this.#open.memory,
      }),
  );
  readonly #overview: Overview;
  readonly #actions: PlanActions;
  readonly #markers: ReadyMarkers;
  readonly #listeners = new Set<(name: string) => void>();
  readonly #parts: Omit<ContextParts, 'held' | 'memory'>;
  readonly #descriptors: KeptDescriptors;
  readonly #dependencies: Dependencies;
  #records: Records | undefined;
  #known: Known = unknown();
  #waiting: readonly Waiting[] = [];
  #virtualHosts: VirtualHosts | undefined;
  #serial = 0;
  /** Nothing new is begun. */
  #isClosed = false;
  #wakeInMs: number | undefined;

  constructor(options: DeployerOptions) {
    this.#options = options;
    this.#virtualHosts = options.virtualHosts;
    const { log, routes } = options;
    this.#markers = new ReadyMarkers(log);
    // A developer of one application finds it under whatever name he asks for.
    const isAlone = options.development?.only !== undefined;
    this.#scanner = new Scanner(isAlone ? { ...options, virtualHosts: 'set-aside' } : options);
    this.#watcher = new Watcher({ ...options, pass: () => this.#pass() });
    this.#store = new SharedStore(
      options.store,
      () => this.#inUse(),
      (inUse) => this.#collected(inUse),
      log,
    );
    this.#descriptors = new KeptDescriptors(options.workFolder, log);
    this.#dependencies = new Dependencies(
      () => this.#overview.dependencyNodes(),
      (name) => this.#contexts.of(name)?.retry(name),
    );
    this.#parts = {
      launcher: options.launcher,
      routes,
      store: this.#store,
      descriptors: this.#descriptors,
      dependencies: this.#dependencies,
      record: (...begun) => this.#open.deployments.begin(...begun),
      deployments: () => this.#open.deployments,
      pinOf: (name) => this.#records?.kept.pinOf(name),
      pin: (version, kept) => this.#open.kept.pin(version, kept),
      unpin: (name) => this.#open.kept.unpin(name),
      readManifest: options.readManifest,
      defaults: options.defaults,
      preparations: new Slots(options.maxParallelStarts),
      starts: new Slots(options.maxParallelStarts, SLOW_START_MS),
      log,
      isDevelopment: options.development !== undefined,
      nextSerial: () => ++this.#serial,
      batch: new RouteBatch(routes),
      defaultHost: () => this.#virtualHosts?.defaultHost,
      hold: (name, isHeld) => this.#hold(name, isHeld),
      changed: (name) => this.#tell(name),
    };
    const { pinOf, defaultHost, nextSerial } = this.#parts;
    this.#overview = new Overview(this.#contexts, {
      waiting: () => this.#waiting,
      names: () => this.#known.names.keys(),
      pinOf,
      isHeld: (name) => this.#records?.journal.held.has(name) === true,
      defaultHost,
    });
    this.#actions = new PlanActions(this.#contexts, {
      appsFolder: options.appsFolder,
      log,
      journal: () => this.#open.journal,
      nextSerial,
      owe: (name) => {
        this.#known = owe(this.#known, name, performance.now());
      },
    });
    routes.onWanted((context) => this.#contexts.get(context)?.wanted());
    routes.onInstanceLost((instance, reason) => {
      for (const context of this.#contexts.all()) context.suspect(instance, reason);
    });
  }

  /**
   * Begins to watch, and deploys what is there. Resolves when the first pass is over: every application that lay
   * complete in the drop folder runs, failed, or waits on purpose. Never rejects because of an application.
   */
  async open(): Promise<void> {
    const { workFolder, log, defaults } = this.#options;
    const journal = await Journal.open(workFolder, log);
    const deployments = await DeploymentJournal.open(workFolder, log, defaults.history);
    const kept = new KeptContents(journal, deployments, this.#descriptors);
    const memory = await VersionMemory.open(workFolder, log);
    this.#records = { journal, deployments, kept, memory };
    this.#known = unknown(journal.holders, journal.buried);
    this.#watcher.start();
    await this.rescan();
    const { stabilityWindowMs } = this.#options;
    // Only waiting counts, not the work between: starts that take long must not end the pass for the others.
    let leftMs = Math.max(FIRST_PASS_MS, FIRST_PASS_WINDOWS * stabilityWindowMs);
    while (this.#wakeInMs !== undefined && this.#wakeInMs <= stabilityWindowMs && leftMs > 0) {
      const waitMs = Math.max(0, Math.ceil(this.#wakeInMs)) + 1;
      leftMs -= waitMs;
      await sleep(waitMs);
      await this.rescan();
    }
    await this.#store.collect();
  }

  /** Looks at the drop folder now. Resolves when everything that is under way is over. */
  async rescan(): Promise<void> {
    await this.#watcher.look();
    // A look of the watcher itself may add to it meanwhile.
    await this.#actions.over();
  }

  /**
   * Other virtual hosts are in force; what they are called by applications is looked up anew. Resolves when every descriptor
   * has been looked at, not when applications have moved.
   */
  async useVirtualHosts(virtualHosts: VirtualHosts | undefined): Promise<void> {
    this.#virtualHosts = virtualHosts;
    this.#scanner.useVirtualHosts(virtualHosts);
    await this.#watcher.look();
  }

  /** Stops watching, drains and stops everything, at the same time. Resolves at the deadline at the latest. */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    const { log } = this.#options;
    const contexts = this.#contexts.all().map((context) => context.close(deadlineMs));
    const over = Promise.all([this.#watcher.stop(), ...contexts]).then(() => this.#store.stop());
    if (!(await within(over, deadlineMs))) {
      log.error(
        { code: 'PORTICO_STOP_FAILED' },
        `not all applications were stopped within ${deadlineMs} ms; the rest ends with the host`,
      );
    }
    await this.#records?.journal.save();
    await this.#records?.memory.saved;
    await this.#records?.deployments.close();
  }

  list(): readonly ApplicationStatus[] {
    return this.#overview.list();
  }

  find(nameOrPath: string): ApplicationStatus | undefined {
    return this.#overview.find(nameOrPath);
  }

  async start(name: string): Promise<ApplicationStatus> {
    await this.#contexts.require(name).byHand.start(name);
    return this.#overview.statusOf(name);
  }

  async stop(name: string): Promise<ApplicationStatus> {
    await this.#contexts.require(name).byHand.stop(name);
    return this.#overview.statusOf(name);
  }

  async reload(name: string): Promise<ApplicationStatus> {
    await this.#contexts.require(name).byHand.reload(name);
    return this.#overview.statusOf(name);
  }

  async rollback(name: string, to?: string): Promise<ApplicationStatus> {
    await this.#contexts.require(name).byHand.rollback(name, to);
    return this.#overview.statusOf(name);
  }

  deployments(name: string): readonly DeploymentView[] | undefined {
    return this.#records?.kept.views(name) ?? (this.#contexts.of(name) === undefined ? undefined : []);
  }

  async foresee(): Promise<readonly Foreseen[]> {
    const { stabilityWindowMs, inspect } = this.#options;
    const statuses = this.#contexts.all().flatMap((context) => context.statuses());
    return dryRun({
      known: this.#known,
      scan: this.#wanted(await this.#scanner.scan()),
      settings: planSettings(stabilityWindowMs),
      deployed: new Map(statuses.map((status) => [status.name, this.#overview.deployedFact(status)])),
      inspect,
    });
  }

  async undeploy(name: string): Promise<void> {
    const context = this.#contexts.require(name);
    const { bundle } = this.#overview.statusOf(name);
    refuseIfOutside(this.#options.appsFolder, name, bundle, context.descriptorOf(name));
    await context.undeploy(name);
    await this.#watcher.exclusively(async () => {
      let failure: unknown;
      try {
        await (this.#options.removeBundle ?? removeBundle)(this.#options.appsFolder, name);
      } catch (error) {
        failure = error;
      }
      // Scans of before must not bring it back, nor may what could not be deleted.
      const remains = failure === undefined ? undefined : await this.#remainsOf(name);
      this.#known = forget(this.#known, name, remains);
      this.#actions.drop(name);
      // A pass between the undeploy and this may have seen changed files.
      await context.remove(name);
      this.#contexts.tidy(context);
      const { journal } = this.#open;
      if (remains !== undefined) journal.buried.set(name, remains);
      await journal.save();
      if (failure !== undefined) throw failure;
    });
  }

  /** Called with the name of each application whose status may have changed. Gives the function that ends it. */
  onChange(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One look at the drop folder and what follows from it. Runs in the watcher's lane. */
  async #pass(): Promise<number | undefined> {
    const { stabilityWindowMs } = this.#options;
    const scan = this.#wanted(await this.#scanner.scan());
    if (this.#isClosed) return undefined;
    const next = plan(this.#known, scan, performance.now(), planSettings(stabilityWindowMs));
    this.#known = next.known;
    this.#wakeInMs = next.wakeInMs;
    this.#dependencies.changed();
    if (scan.kind === 'listed') {
      this.#waiting = next.waiting;
      for (const { name, marker } of scan.candidates) {
        const isObeyed =
          marker !== undefined && this.#known.names.get(name)?.obeyedMarker === marker.signature;
        if (isObeyed) await this.#markers.consume(marker);
      }
    }
    this.#actions.begin(next.actions);
    return next.wakeInMs;
  }

  #wanted(scan: Scan): Scan {
    const only = this.#options.development?.only;
    if (only === undefined || scan.kind !== 'listed') return scan;
    return { ...scan, candidates: scan.candidates.filter(({ name }) => name === only), refused: [] };
  }

  /** Signature of what a failed undeploy left over, as the plan will see it. */
  async #remainsOf(name: string): Promise<string | undefined> {
    const scan = await this.#scanner.scan();
    if (scan.kind !== 'listed') return undefined;
    const left = scan.candidates.find((candidate) => candidate.name === name);
    return left === undefined ? undefined : signatureOf(left);
  }

  /** A listener that throws must not end a rollout. */
  #tell(name: string): void {
    this.#dependencies.changed();
    for (const listener of this.#listeners) {
      try {
        listener(name);
      } catch (error) {
        this.#options.log.error({ err: error }, `a listener of the deployer failed: ${messageOf(error)}`);
      }
    }
  }

  async #hold(name: string, isHeld: boolean): Promise<void> {
    const { journal } = this.#open;
    if (isHeld) journal.held.add(name);
    else journal.held.delete(name);
    await journal.save();
  }

  get #open(): Records {
    if (this.#records !== undefined) return this.#records;
    throw new PorticoError('PORTICO_ILLEGAL_STATE', 'the deployer is not open; call open() first');
  }

  /** What is deployed, and what may be gone back to. */
  #inUse(): Set<string> {
    const used = this.#contexts.all().flatMap((context) => context.fingerprintsInUse());
    for (const fingerprint of this.#records?.kept.fingerprints(this.#isHere) ?? [])
      if (fingerprint !== undefined) used.push(fingerprint);
    return new Set(used);
  }

  /** An application that is gone takes its history with it; before the first scan nobody knows which are. */
  readonly #isHere = (name: string): boolean =>
    this.#known.identity === undefined || this.#known.names.has(name);

  #collected(inUse: ReadonlySet<string>): void {
    const descriptors = this.#contexts.all().flatMap((context) => context.descriptorsInUse());
    this.#records?.kept.collected(inUse, descriptors, this.#isHere);
  }
}

/** What is written down in the work folder, once the deployer is open. */
interface Records {
  readonly journal: Journal;
  readonly deployments: DeploymentJournal;
  readonly kept: KeptContents;
  readonly memory: VersionMemory;
}
