import { compareVersions } from '../bundle/compare-versions.js';
import { messageOf, PorticoError } from '../errors.js';
import type { ContextRoute } from '../front/messages.js';
import type { DeploymentChange } from '../supervisor/deployment-process.js';
import type { ApplicationStatus } from './application-status.js';
import { routeOf, targetOf, unavailable } from './context-route.js';
import { busy, notStarted, unknownApplication } from './deployer-errors.js';
import { Retirements } from './retirements.js';
import { begin, prepare, type RolloutParts } from './rollout.js';
import { RolloutFailure } from './rollout-failure.js';
import type { RouteBatch } from './route-batch.js';
import { RoutePublisher } from './route-publisher.js';
import { SerialQueue } from './serial-queue.js';
import {
  mayServe,
  newVersion,
  type Order,
  type Prepared,
  type Running,
  type Version,
  wishOf,
} from './version.js';
import { shownPath, stateOf, statusOf } from './version-status.js';

/** What a context needs of the deployer besides the parts of a rollout. */
export interface ContextParts extends RolloutParts {
  readonly batch: RouteBatch;
  /** What an operator stopped, over restarts. */
  readonly held: ReadonlySet<string>;
  readonly hold: (name: string, isHeld: boolean) => Promise<void>;
  /** The status of a version may have changed. */
  readonly changed: (name: string) => void;
}

/** How taking content ended. `dropped`: overtaken by something newer, by a stop, or by the end of the host. */
export type TakeResult = 'deployed' | 'unchanged' | 'failed' | 'dropped';

/**
 * One context path with all its versions. The highest version that is neither stopped by an operator nor failed serves;
 * every change ends in `#settle`, which brings that about: new processes beside the old, swap, drain. Owned by the
 * deployer; owns the processes of its versions. Everything that changes it runs in one line, so actions never overlap.
 */
export class DeployedContext {
  /** `` for ROOT. */
  readonly path: string;
  readonly #parts: ContextParts;
  readonly #versions = new Map<string, Version>();
  readonly #line = new SerialQueue();
  readonly #retirements: Retirements;
  readonly #publisher: RoutePublisher;
  #active: Running | undefined;
  /** Content that is neither prepared for a version yet nor out of use. */
  #incoming: string | undefined;
  /** What is being prepared or started, and how to end that. */
  #work: { readonly version: Version; readonly abort: AbortController } | undefined;
  /** A stop or undeploy by hand is on its way. */
  #isHalting = false;
  #isWanted = false;
  #isClosing = false;

  constructor(path: string, parts: ContextParts) {
    this.path = path;
    this.#parts = parts;
    this.#retirements = new Retirements(parts);
    this.#publisher = new RoutePublisher(path, parts.batch, parts.log, () => this.#route());
  }

  /** No version is left and nothing runs. */
  get isEmpty(): boolean {
    return (
      this.#versions.size === 0 &&
      this.#active === undefined &&
      this.#line.isIdle &&
      this.#retirements.isEmpty
    );
  }

  statuses(): ApplicationStatus[] {
    return this.#ranked().map((version) => statusOf(version, this.#active));
  }

  /** Undefined when there is no such version. */
  status(name: string): ApplicationStatus | undefined {
    const version = this.#versions.get(name);
    return version === undefined ? undefined : statusOf(version, this.#active);
  }

  /** Name of the version that stands for the path. */
  get spokesman(): string | undefined {
    return this.#spokesman()?.name;
  }

  fingerprintsInUse(): string[] {
    const prepared = this.#retirements.all().map((running) => running.prepared);
    if (this.#active !== undefined) prepared.push(this.#active.prepared);
    for (const version of this.#versions.values()) if (version.prepared) prepared.push(version.prepared);
    const used = prepared.map(({ fingerprint }) => fingerprint);
    return this.#incoming === undefined ? used : [...used, this.#incoming];
  }

  /** New or changed files in the drop folder. Never rejects for what is wrong with the bundle. */
  take(order: Order): Promise<TakeResult> {
    return this.#line.run(async () => {
      if (this.#isClosing || !order.isCurrent()) return 'dropped';
      const version = this.#versionFor(order);
      const prepared = await this.#prepare(version);
      if (prepared === 'failed') await this.#settle();
      if (typeof prepared === 'string') return prepared;
      const isRetry = order.isForced && (version.wish === 'failed' || version.pendingFailure !== undefined);
      if (!isRetry && (version.prepared?.key === prepared.key || version.rejected === prepared.key)) {
        if (version.rejected !== prepared.key) version.pendingFailure = undefined;
        this.#say(version, 'files have changed, their content has not; nothing to do');
        await this.#publisher.publish();
        return 'unchanged';
      }
      version.prepared = prepared;
      const isServing = this.#active?.version === version;
      if (version.wish !== 'held') version.wish = isServing ? 'run' : wishOf(prepared);
      await this.#settle();
      return version.rejected === prepared.key ? 'failed' : 'deployed';
    });
  }

  /** The name is gone from the drop folder, or is to go. Resolves when nothing of it runs any more. */
  remove(name: string): Promise<void> {
    return this.#line.run(async () => {
      const version = this.#versions.get(name);
      if (version === undefined) return;
      version.activity = 'removing';
      this.#parts.changed(name);
      await this.#settle();
      this.#versions.delete(name);
      await this.#retirements.over(version);
      await this.#publisher.publish();
      this.#parts.changed(name);
      this.#parts.log.info(
        { event: 'undeployed', application: name, path: this.path },
        `${name} is undeployed`,
      );
    });
  }

  /** The name could not move away to another path; it goes on here. */
  keepWith(name: string, pendingFailure: string): void {
    const version = this.#versions.get(name);
    if (version !== undefined) version.pendingFailure = pendingFailure;
    this.#parts.changed(name);
  }

  /** Throws `PORTICO_APPLICATION_BUSY`, `PORTICO_START_FAILED`. */
  start(name: string): Promise<void> {
    this.#refuseIfBusy(name);
    return this.#line.run(async () => {
      const version = this.#version(name);
      await this.#release(version);
      if (this.#active?.version === version && this.#active.gaveUp === undefined) return;
      if (version.prepared === undefined) version.prepared = await this.#prepareByHand(version);
      version.wish = 'run';
      version.rejected = undefined;
      await this.#settle();
      this.#throwIfFailed(version);
    });
  }

  /** Ends a start that is on its way. Throws `PORTICO_APPLICATION_BUSY` when another stop is. */
  stop(name: string): Promise<void> {
    return this.#halt(name, async () => {
      const version = this.#version(name);
      version.wish = 'held';
      await this.#parts.hold(name, true);
      await this.#settle();
      await this.#retirements.over(version);
      this.#say(version, 'stopped by an operator; it stays so until it is started by hand');
    });
  }

  /** Like `remove`, with the manners of `stop`. */
  async undeploy(name: string): Promise<void> {
    await this.#halt(name, async () => undefined);
    await this.remove(name);
  }

  /** The files are read again and new processes are started beside the old ones. Throws like `start`. */
  reload(name: string): Promise<void> {
    this.#refuseIfBusy(name);
    return this.#line.run(async () => {
      const version = this.#version(name);
      version.prepared = await this.#prepareByHand(version);
      await this.#release(version);
      version.wish = 'run';
      version.rejected = undefined;
      await this.#settle();
      this.#throwIfFailed(version);
    });
  }

  /** A request came for a context that waits for one. */
  wanted(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    void this.#line.run(async () => {
      this.#isWanted = false;
      const version = this.#spokesman();
      if (this.#active !== undefined || version?.wish !== 'lazy') return;
      version.wish = 'run';
      await this.#settle();
    });
  }

  /** A front could not talk to an instance; it may be one of ours. */
  suspect(instance: string, reason: string): void {
    for (const { process } of [...(this.#active ? [this.#active] : []), ...this.#retirements.all()]) {
      if (process?.status().some((status) => status.instance === instance)) process.suspect(instance, reason);
    }
  }

  /** The end of the host: what runs is drained and stopped, what starts is given up. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true;
    this.#work?.abort.abort(new PorticoError('PORTICO_STOPPING', 'the host is stopping'));
    const active = this.#active;
    if (active !== undefined) {
      active.version.activity = 'draining';
      this.#active = undefined;
      await this.#publisher.publishOrLog();
      const { drainTimeoutMs, stopTimeoutMs } = active.prepared.manifest.settings;
      const drainMs = Math.max(deadlineMs - stopTimeoutMs, deadlineMs / 2);
      void this.#retirements.add(active, Math.min(drainTimeoutMs, drainMs));
    }
    await this.#line.idle();
    await this.#retirements.over();
  }

  /** Brings about that the right version serves. Runs in the line only; never rejects. */
  async #settle(): Promise<void> {
    for (const version of this.#ranked()) {
      if (this.#isClosing) return;
      const isServing = this.#active?.version === version;
      if (isServing && this.#active?.gaveUp === undefined && version.prepared === this.#active?.prepared)
        break;
      if (!mayServe(version)) continue;
      if (version.wish === 'lazy' && this.#active === undefined) break;
      if (await this.#launch(version)) break;
      // The old content of the same version serves on; an older version is not better than that.
      if (isServing && this.#active?.gaveUp === undefined) break;
    }
    const active = this.#active;
    if (active !== undefined && !mayServe(active.version)) await this.#vacate(active);
    await this.#publisher.publishOrLog();
    for (const name of this.#versions.keys()) this.#parts.changed(name);
  }

  /** True: it serves now. False: it could not, or was interrupted; what served before goes on. */
  async #launch(version: Version): Promise<boolean> {
    const prepared = version.prepared;
    if (prepared === undefined) return false;
    const began = performance.now();
    try {
      const running = await this.#interruptible(version, async (signal) => {
        await this.#retirements.room();
        return begin(version, prepared, this.#parts, signal, (started, change) =>
          this.#onChange(started, change),
        );
      });
      await this.#swap(running);
    } catch (error) {
      if (error instanceof RolloutFailure) this.#fail(version, prepared, error);
      return false;
    }
    version.wish = 'run';
    version.reason = version.pendingFailure = version.rejected = undefined;
    version.lastOutput = [];
    const took = Math.round(performance.now() - began);
    this.#parts.log.info(
      {
        event: 'deployed',
        application: version.name,
        path: this.path,
        fingerprint: prepared.fingerprint,
        ms: took,
      },
      `${version.name} serves ${shownPath(this.path)} (${took} ms)`,
    );
    for (const note of prepared.manifest.notes) this.#say(version, note);
    return true;
  }

  async #swap(running: Running): Promise<void> {
    const old = this.#active;
    this.#active = running;
    try {
      await this.#publisher.publish();
    } catch (error) {
      this.#active = old;
      await this.#publisher.publishOrLog();
      void this.#retirements.add(running, 0);
      throw new RolloutFailure(running.version.name, 'swap', error);
    }
    if (old !== undefined) void this.#retirements.add(old, old.prepared.manifest.settings.drainTimeoutMs);
  }

  /** Nobody serves any more: drain first, while the path says so. */
  async #vacate(active: Running): Promise<void> {
    if (active.gaveUp === undefined) active.version.activity ??= 'draining';
    this.#active = undefined;
    await this.#publisher.publishOrLog();
    const hasAddress = targetOf(active) !== undefined;
    await this.#retirements.add(active, hasAddress ? active.prepared.manifest.settings.drainTimeoutMs : 0);
    if (active.version.activity === 'draining') active.version.activity = undefined;
  }

  /** The last content stays what it is when this fails; the failure is noted and logged. */
  async #prepare(version: Version): Promise<Prepared | 'failed' | 'dropped'> {
    try {
      return await this.#prepareOrThrow(version);
    } catch (error) {
      return error instanceof RolloutFailure ? 'failed' : 'dropped';
    }
  }

  async #prepareOrThrow(version: Version): Promise<Prepared> {
    try {
      return await this.#interruptible(version, (signal) =>
        prepare(version.order, this.#parts, (fingerprint) => (this.#incoming = fingerprint), signal),
      );
    } catch (error) {
      if (error instanceof RolloutFailure) this.#fail(version, undefined, error);
      throw error;
    } finally {
      // Content is collected in a turn of its own; until then, whoever asked has taken it over.
      this.#incoming = undefined;
      this.#parts.store.collectSoon();
    }
  }

  async #interruptible<Result>(
    version: Version,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const abort = new AbortController();
    this.#work = { version, abort };
    version.activity = 'starting';
    this.#parts.changed(version.name);
    try {
      if (this.#active === undefined) await this.#publisher.publishOrLog();
      return await work(abort.signal);
    } finally {
      if (version.activity === 'starting') version.activity = undefined;
      this.#work = undefined;
    }
  }

  #fail(version: Version, prepared: Prepared | undefined, failure: RolloutFailure): void {
    version.rejected = prepared?.key;
    const { reason } = failure;
    const active = this.#active;
    const goesOn = active?.version === version && active.gaveUp === undefined;
    const hasOther = prepared === undefined && version.prepared !== undefined && version.wish !== 'failed';
    if (goesOn || hasOther || version.wish === 'held') {
      version.pendingFailure = reason;
      if (goesOn) version.prepared = active.prepared;
    } else {
      version.wish = 'failed';
      version.reason = reason;
    }
    version.lastOutput = failure.lastOutput;
    this.#parts.log.error(
      {
        event: 'failed',
        code: failure.code,
        application: version.name,
        path: this.path,
        step: failure.step,
        bundle: version.order.source.path,
        lastOutput: failure.lastOutput,
        err: failure.cause,
      },
      goesOn ? `${failure.message}; the running version serves on` : failure.message,
    );
    this.#parts.store.collectSoon();
  }

  #onChange(running: Running, change: DeploymentChange): void {
    if (change.kind === 'addresses') {
      if (targetOf(running) !== undefined) running.trouble = undefined;
    } else if (change.kind === 'restarting') {
      running.trouble = change;
    } else {
      running.gaveUp = change.reason;
    }
    if (this.#active !== running) return;
    const { name } = running.version;
    if (change.kind === 'restarting') {
      const message = `${name}: ${change.instance} is restarted in ${change.retryInMs} ms: ${change.reason}`;
      this.#parts.log.warn({ event: 'restarting', application: name, path: this.path }, message);
    }
    if (change.kind === 'failed') void this.#line.run(() => this.#giveUp(running, change.reason));
    void this.#publisher.publishOrLog();
    this.#parts.changed(name);
  }

  /** Crashed too often. An older version that works takes over, if there is one. */
  async #giveUp(running: Running, reason: string): Promise<void> {
    if (this.#active !== running || this.#isClosing) return;
    const { version, process } = running;
    this.#fail(version, running.prepared, new RolloutFailure(version.name, 'run', new Error(reason)));
    version.lastOutput = process?.lastOutput() ?? [];
    await this.#settle();
  }

  #halt(name: string, task: () => Promise<void>): Promise<void> {
    if (this.#isHalting) throw busy(name);
    this.#isHalting = true;
    if (this.#work?.version.name === name) {
      this.#work.abort.abort(new PorticoError('PORTICO_STOPPING', `${name} is being stopped by an operator`));
    }
    return this.#line.run(task).finally(() => {
      this.#isHalting = false;
    });
  }

  #refuseIfBusy(name: string): void {
    if (!this.#line.isIdle) throw busy(name);
  }

  async #release(version: Version): Promise<void> {
    if (version.wish === 'held') version.wish = 'run';
    await this.#parts.hold(version.name, false);
  }

  async #prepareByHand(version: Version): Promise<Prepared> {
    try {
      return await this.#prepareOrThrow(version);
    } catch (error) {
      throw error instanceof RolloutFailure ? error : notStarted(version.name, messageOf(error), error);
    }
  }

  #throwIfFailed(version: Version): void {
    const why = version.wish === 'failed' ? version.reason : version.pendingFailure;
    if (why !== undefined) throw notStarted(version.name, why);
    if (this.#active === undefined) throw notStarted(version.name, 'it was stopped while it was starting');
  }

  #version(name: string): Version {
    const version = this.#versions.get(name);
    if (version === undefined) throw unknownApplication(name);
    return version;
  }

  #versionFor(order: Order): Version {
    let version = this.#versions.get(order.name);
    if (version === undefined) {
      version = newVersion(order, this.#parts.held.has(order.name));
      this.#versions.set(order.name, version);
    }
    version.order = order;
    return version;
  }

  /** Highest version first. */
  #ranked(): Version[] {
    return [...this.#versions.values()].sort(
      (left, right) =>
        compareVersions(right.order.context.version, left.order.context.version) ||
        (left.name < right.name ? -1 : 1),
    );
  }

  /** The version whose state the path shows: what serves, else what starts, else what would be next. */
  #spokesman(): Version | undefined {
    if (this.#active !== undefined) return this.#active.version;
    const ranked = this.#ranked();
    return (
      ranked.find(({ activity }) => activity !== undefined) ??
      ranked.find((version) => mayServe(version)) ??
      ranked[0]
    );
  }

  #say(version: Version, message: string): void {
    this.#parts.log.info({ application: version.name, path: this.path }, `${version.name}: ${message}`);
  }

  #route(): ContextRoute | undefined {
    const version = this.#spokesman();
    if (version === undefined) return undefined;
    const settings = (this.#active?.prepared ?? version.prepared)?.manifest.settings ?? this.#parts.defaults;
    const status = stateOf(version, this.#active);
    const isLazy = status.state === 'stopped' && version.wish === 'lazy' && !this.#isClosing;
    const target =
      (this.#active === undefined ? undefined : targetOf(this.#active)) ??
      unavailable(
        isLazy ? 'lazy' : status.state,
        status.reason ?? `the application is ${status.state}`,
        this.#active?.trouble?.retryInMs,
      );
    return routeOf(this.path, version, target, settings.maxBodyBytes);
  }
}
