import { messageOf } from '../errors.js';
import type { ContextRoute } from '../front/messages.js';
import { type DeploymentChange, lastCrashOf } from '../supervisor/deployment-process.js';
import type { DeploymentFacts } from './history/deployment-record.js';
import { mayFollow } from './history/deployment-steps.js';
import { type BesideStart, Changeover } from './live/changeover.js';
import { Comeback } from './live/comeback.js';
import { LiveVersions } from './live/live-versions.js';
import { PlaceVersions } from './live/place-versions.js';
import { SideVersions } from './live/side-versions.js';
import { type Place, shownPlace } from './place.js';
import { InterruptibleWork } from './rollout/interruptible-work.js';
import { prepare } from './rollout/prepare.js';
import { Retirements } from './rollout/retirements.js';
import { awaitDependencies, begin } from './rollout/rollout.js';
import { RolloutFailure } from './rollout/rollout-failure.js';
import { Trials } from './rollout/trials.js';
import { failureFields, noteFailure } from './rollout/version-failure.js';
import { queueOf, routeOf, targetOf, unavailable } from './route/context-route.js';
import { RoutePublisher } from './route/route-publisher.js';
import type { ServingParts } from './serving-parts.js';
import { mayServe, type Prepared, type Running, type Version } from './version.js';
import { stateOf } from './version-status.js';

/** For developers: what is in flight when the code changes gets this long. */
const DEVELOPMENT_DRAIN_MS = 200;

/**
 * What serves one place: the highest version that is neither stopped by an operator nor failed, and beside it those
 * that are still live. `settle` brings that about: new processes beside the old, swap, drain. Owned by the context,
 * which calls the methods that wait one after the other only; owns the processes.
 */
export class Serving {
  readonly versions = new PlaceVersions();
  readonly live = new LiveVersions();
  readonly retirements: Retirements;
  readonly publisher: RoutePublisher;
  readonly sides: SideVersions;
  readonly #place: Place;
  readonly #parts: ServingParts;
  readonly #enqueue: (task: () => Promise<void>) => void;
  readonly #stopRequested: (name: string) => void;
  readonly comeback: Comeback;
  readonly #changeover: Changeover;
  readonly #trials: Trials;
  /** Content that is neither prepared for a version yet nor out of use. */
  #incoming: string | undefined;
  /** What is being prepared or started, of any version. */
  readonly work = new InterruptibleWork();
  #isClosing = false;

  /**
   * `enqueue` runs a task after what the context is doing; `stopRequested`: what serves has asked to be stopped;
   * `hasMore`: the context has more to do after this.
   */
  constructor(
    place: Place,
    parts: ServingParts,
    enqueue: (task: () => Promise<void>) => void,
    stopRequested: (name: string) => void,
    hasMore: () => boolean,
  ) {
    this.#place = place;
    this.#parts = parts;
    this.#enqueue = enqueue;
    this.#stopRequested = stopRequested;
    this.retirements = new Retirements(parts, () => this.publisher.goesOn);
    this.#trials = new Trials({
      log: parts.log,
      path: place.id,
      isDevelopment: parts.isDevelopment,
      isClosing: () => this.#isClosing,
      isThere: (version, prepared) =>
        this.versions.get(version.name) === version && version.prepared === prepared,
      isServed: () => this.active !== undefined,
      settle: () => this.settle(),
      enqueue,
      changed: parts.changed,
    });
    this.comeback = new Comeback(place, parts, {
      live: this.live,
      retirements: this.retirements,
      isClosing: () => this.#isClosing,
      enqueue,
      publish: () => this.publisher.publishOrLog(),
      settle: () => this.settle(),
      hold: (fingerprint) => {
        this.#incoming = fingerprint;
      },
      fail: (...failed) => this.#fail(...failed),
      say: (...said) => this.say(...said),
    });
    this.publisher = new RoutePublisher(place.id, parts.batch, parts.log, () => this.#route());
    this.sides = new SideVersions(place, parts, {
      live: this.live,
      hasMore,
      launchBeside: (version, role, ready) => this.#launch(version, { role, ready }),
      dismiss: (running) => this.#changeover.dismiss(running),
      isWarm: (running) => this.comeback.probations.keepsWarm(running),
      settleLater: () => enqueue(() => (this.#isClosing ? Promise.resolve() : this.settle())),
      publish: () => this.publisher.publishOrLog(),
    });
    this.#changeover = new Changeover({
      live: this.live,
      sides: this.sides,
      publisher: this.publisher,
      retirements: this.retirements,
      probations: this.comeback.probations,
      isDevelopment: parts.isDevelopment,
      changed: parts.changed,
    });
  }

  get active(): Running | undefined {
    return this.live.active;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  fingerprintsInUse(): string[] {
    const prepared = [...this.retirements.all(), ...this.live.all()].map((running) => running.prepared);
    for (const version of this.versions.values()) if (version.prepared) prepared.push(version.prepared);
    const used = prepared.map(({ fingerprint }) => fingerprint);
    return this.#incoming === undefined ? used : [...used, this.#incoming];
  }

  /** A front could not talk to an instance; it may be one of ours. */
  suspect(instance: string, reason: string): void {
    for (const { process } of [...this.live.all(), ...this.retirements.all()]) {
      if (process?.status().some((status) => status.instance === instance)) process.suspect(instance, reason);
    }
  }

  /** The end of the host: nothing starts any more, what serves is out of the mapping and drains. */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true;
    this.work.interrupt(undefined, 'the host is stopping');
    this.sides.stop();
    this.#trials.stop();
    const all = this.live.all();
    if (all.length === 0) return;
    for (const running of all) {
      running.version.activity = 'draining';
      this.#changeover.takeOut(running);
    }
    await this.publisher.publishOrLog();
    for (const running of all) {
      const { drainTimeoutMs, stopTimeoutMs } = running.prepared.manifest.settings;
      const drainMs = Math.max(deadlineMs - stopTimeoutMs, deadlineMs / 2);
      void this.retirements.add(running, Math.min(drainTimeoutMs, drainMs));
    }
  }

  /**
   * Nobody uses it: it leaves the mapping, its next request starts it again. What is in flight after all is answered, while
   * its successor may be starting already. False: it does not serve alone any more.
   */
  async rest(running: Running): Promise<boolean> {
    if (this.#isClosing || this.active !== running || this.live.beside.length > 0) return false;
    const { version, prepared } = running;
    version.wish = 'lazy';
    this.#changeover.takeOut(running);
    await this.publisher.publishOrLog();
    void this.retirements.add(running, prepared.manifest.settings.drainTimeoutMs);
    this.#parts.changed(version.name);
    return true;
  }

  /**
   * Brings about that the right version serves, and beside it what is to. Runs in the line only; never rejects. Of `taken` newer
   * content may come meanwhile, see `InterruptibleWork`: then whoever takes that settles.
   */
  async settle(taken?: Version): Promise<void> {
    await this.#settleActive(taken);
    if (taken !== undefined && this.work.isOvertaken(taken.name)) return;
    if (!this.#isClosing) await this.sides.settle(this.versions.candidates());
    for (const running of this.live.all())
      if (!mayServe(running.version)) await this.#changeover.vacate(running);
    await this.publisher.publishOrLog();
    for (const name of this.versions.keys()) this.#parts.changed(name);
    await this.#parts.memory.saved;
  }

  async #settleActive(taken: Version | undefined): Promise<void> {
    for (const version of this.sides.bases(this.versions.candidates())) {
      if (this.#isClosing) return;
      const running = this.live.of(version);
      const isSound = running !== undefined && running.gaveUp === undefined;
      if (isSound && version.prepared === running.prepared) {
        if (this.active !== running) await this.#changeover.promote(running);
        return;
      }
      if (version.wish === 'lazy' && this.active === undefined) return;
      if (this.work.isOvertaken(version.name)) return;
      const launch = (): Promise<boolean> => this.#launch(version);
      if (await (version === taken ? this.work.yielding(version.name, launch) : launch())) return;
      // The old content of the same version serves on; an older version is not better than that.
      if ((isSound && this.active === running) || this.work.isOvertaken(version.name)) return;
    }
  }

  /**
   * True: it serves now, or is live beside what serves, in its role. False: it could not, or was interrupted; what
   * served before goes on.
   */
  async #launch(version: Version, beside?: BesideStart): Promise<boolean> {
    const prepared = version.prepared;
    if (prepared === undefined) return false;
    const began = performance.now();
    if (this.#parts.isDevelopment) await this.#makeWay(version);
    try {
      const running = await this.#interruptible(version, async (signal) => {
        await awaitDependencies(version, prepared, this.#parts, signal);
        await this.retirements.room();
        const onChange = (started: Running, change: DeploymentChange): void =>
          this.#onChange(started, change);
        return begin(version, prepared, this.#parts, signal, onChange, this.live.active === undefined);
      });
      await (beside === undefined ? this.#changeover.swap(running) : this.#changeover.join(running, beside));
    } catch (error) {
      if (error instanceof RolloutFailure) this.#fail(version, prepared, error);
      else this.say(version, `the rollout was interrupted: ${messageOf(error)}`);
      return false;
    }
    version.wish = 'run';
    version.reason = version.pendingFailure = version.rejected = version.failurePage = undefined;
    version.lastOutput = [];
    const took = Math.round(performance.now() - began);
    this.#parts.log.info(
      {
        event: 'deployed',
        application: version.name,
        path: this.#place.id,
        fingerprint: prepared.fingerprint,
        ms: took,
      },
      beside === undefined
        ? `${version.name} serves ${shownPlace(this.#place.id)} (${took} ms)`
        : `${version.name} is live at ${shownPlace(this.#place.id)} as ${beside.role} (${took} ms)`,
    );
    for (const note of prepared.notes) this.say(version, note);
    return true;
  }

  /** For developers: the old processes end before the new ones start, so that what is seen is the new code or its error. */
  async #makeWay(version: Version): Promise<void> {
    const old = this.live.activate(undefined);
    if (old === undefined) return;
    this.say(version, 'has changed; starting it again');
    version.activity = 'starting';
    await this.publisher.publishOrLog();
    await this.retirements.add(old, DEVELOPMENT_DRAIN_MS);
  }

  /** The last content stays what it is when this fails; the failure is noted and logged. */
  async prepare(version: Version): Promise<Prepared | 'failed' | 'dropped'> {
    try {
      return await this.prepareOrThrow(version);
    } catch (error) {
      if (error instanceof RolloutFailure) return 'failed';
      this.say(version, `the rollout was interrupted: ${messageOf(error)}`);
      return 'dropped';
    }
  }

  async prepareOrThrow(version: Version, trigger: DeploymentFacts['trigger'] = 'files'): Promise<Prepared> {
    const use = (fingerprint: string): void => {
      this.#incoming = fingerprint;
    };
    try {
      const prepared = await this.#interruptible(version, (signal) =>
        prepare(version.order, this.#parts, use, signal, trigger),
      );
      version.dropped = prepared.key;
      return prepared;
    } catch (error) {
      if (error instanceof RolloutFailure) this.#fail(version, undefined, error);
      throw error;
    } finally {
      // Content is collected in a turn of its own; until then, whoever asked has taken it over.
      this.#incoming = undefined;
      this.#parts.store.collectSoon();
    }
  }

  /** While nothing serves, the path shows that something is on its way. */
  #interruptible<Result>(version: Version, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return this.work.run(version, async (signal) => {
      this.#parts.changed(version.name);
      if (this.active === undefined) await this.publisher.publishOrLog();
      return work(signal);
    });
  }

  #fail(version: Version, prepared: Prepared | undefined, failure: RolloutFailure): void {
    const running = this.live.of(version);
    const goesOn = running?.gaveUp === undefined ? running : undefined;
    noteFailure(version, prepared, failure, goesOn, this.#parts.isDevelopment);
    this.#parts.log.error(
      { ...failureFields(version, failure), path: this.#place.id },
      goesOn === undefined ? failure.message : `${failure.message}; the running version serves on`,
    );
    this.#parts.store.collectSoon();
  }

  #onChange(running: Running, change: DeploymentChange): void {
    if (change.kind === 'stop-requested') {
      if (this.live.has(running)) this.#stopRequested(running.version.name);
      return;
    }
    if (change.kind === 'addresses') {
      if (targetOf(running) !== undefined) running.trouble = undefined;
    } else if (change.kind === 'restarting') {
      running.trouble = change;
    } else {
      running.gaveUp = change.reason;
    }
    if (!this.live.has(running)) return;
    this.comeback.probations.changed(running, change);
    const { name } = running.version;
    if (change.kind === 'restarting') {
      const next = running.process?.upstreams === undefined ? 'restarted' : 'asked again';
      const message = `${name}: ${change.instance} is ${next} in ${change.retryInMs} ms: ${change.reason}`;
      this.#parts.log.warn({ event: 'restarting', application: name, path: this.#place.id }, message);
    }
    if (change.kind === 'failed') this.#enqueue(() => this.#giveUp(running, change.reason));
    void this.publisher.publishOrLog();
    this.#parts.changed(name);
  }

  /** Crashed too often. An older version that works takes over, if there is one. */
  async #giveUp(running: Running, reason: string): Promise<void> {
    if (!this.live.has(running) || this.#isClosing) return;
    const { version, process, entry } = running;
    if (mayFollow(entry.current, 'failed')) entry.step('failed', { cause: reason });
    this.#fail(version, running.prepared, new RolloutFailure(version.name, 'run', new Error(reason)));
    version.lastOutput = process?.lastOutput() ?? [];
    version.lastCrash = lastCrashOf(process?.status() ?? []);
    await this.settle();
    this.#trials.plan(version, running.prepared);
  }

  /** The version whose state the path shows: what serves, else what starts, else what would be next. */
  spokesman(): Version | undefined {
    return this.active?.version ?? this.versions.next(this.sides.bases(this.versions.candidates()));
  }

  say(version: Version, message: string): void {
    this.#parts.log.info({ application: version.name, path: this.#place.id }, `${version.name}: ${message}`);
  }

  #route(): ContextRoute | undefined {
    const version = this.spokesman();
    if (version === undefined) return undefined;
    const { active } = this;
    const settings = (active?.prepared ?? version.prepared)?.manifest.settings ?? this.#parts.defaults;
    const { state } = stateOf(version, this.live);
    const isLazy = state === 'stopped' && version.wish === 'lazy' && !this.#isClosing;
    const target =
      (active === undefined ? undefined : targetOf(active)) ??
      unavailable(isLazy ? 'lazy' : state, active?.trouble?.retryInMs, {
        queue: queueOf(settings, this.#parts.isDevelopment),
        ...(state === 'failed' && version.failurePage !== undefined ? { page: version.failurePage } : {}),
      });
    return routeOf(this.#place, version, this.sides.around(target), settings);
  }
}
