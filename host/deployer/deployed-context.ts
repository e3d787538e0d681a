import { messageOf } from '../errors.js';
import { formatDuration } from '../units.js';
import type { ApplicationStatus } from './application-status.js';
import { ByHand } from './by-hand.js';
import type { ContextParts } from './context-parts.js';
import { ContextJobs } from './jobs/context-jobs.js';
import type { JobRun } from './jobs/job-runs.js';
import type { JobPlace, JobStatus } from './jobs/jobs.js';
import { ServingWait } from './jobs/serving-wait.js';
import { KeptInstead } from './kept-instead.js';
import type { CanaryPlace, CanaryStatus } from './live/canaries.js';
import { IdleWatch } from './live/idle-watch.js';
import type { CanaryDecision } from './live/version-memory.js';
import { type Place, shownPlace } from './place.js';
import type { DependencyNode } from './rollout/dependencies.js';
import { targetOf } from './route/context-route.js';
import { SerialQueue } from './serial-queue.js';
import { Serving } from './serving.js';
import { mayServe, newVersion, type Order, type Running, type Version, wishOf } from './version.js';
import { statusOf } from './version-status.js';

/** How taking content ended. `dropped`: overtaken by something newer, by a stop, or by the end of the host. */
export type TakeResult = 'deployed' | 'unchanged' | 'failed' | 'dropped';

/**
 * One place with all its versions: what the drop folder and operators want of it, put in one line, so that two
 * actions never overlap. Each changes what is wished of a version and lets `Serving` bring it about. Owned by the deployer.
 */
export class DeployedContext implements CanaryPlace, JobPlace {
  readonly place: Place;
  /** What operators ask of its versions. */
  readonly byHand: ByHand;
  readonly #parts: ContextParts;
  readonly #line = new SerialQueue();
  readonly #serving: Serving;
  readonly #idle: IdleWatch;
  readonly #kept: KeptInstead;
  readonly #jobs: ContextJobs;
  readonly #servingWait: ServingWait;
  #isWanted = false;

  constructor(place: Place, parts: ContextParts) {
    this.place = place;
    const changed = (name: string): void => {
      parts.changed(name);
      this.#followServing();
    };
    this.#parts = { ...parts, changed };
    this.#serving = new Serving(
      place,
      this.#parts,
      (task) => this.#background(task),
      (name) => this.byHand.stopForItself(name),
      () => this.#line.hasMore,
    );
    this.#kept = new KeptInstead(parts, this.#serving);
    this.byHand = new ByHand(place, parts, this.#serving, this.#line, this.#kept);
    this.#idle = new IdleWatch({
      countsOf: (deployment) =>
        parts.routes.countsOf?.(deployment) ?? { requests: 0, inFlight: 0, tunnels: 0 },
      isInUse: () => this.#jobs.isBusy || this.#serving.live.beside.length > 0,
      onIdle: (running, idleMs) => this.#rest(running, idleMs),
    });
    this.#servingWait = new ServingWait(this.#serving, () => this.wanted('job'));
    this.#jobs = new ContextJobs({
      path: place.id,
      log: parts.log,
      serving: (timeoutMs) => this.#servingWait.until(timeoutMs),
      used: () => this.#idle.used(),
    });
  }

  /** No version is left and nothing runs. */
  get isEmpty(): boolean {
    const { versions, live, retirements } = this.#serving;
    return versions.size === 0 && live.all().length === 0 && this.#line.isIdle && retirements.isEmpty;
  }

  statuses(): ApplicationStatus[] {
    return this.#serving.versions.ranked().map((version) => this.#statusOf(version));
  }

  /** Undefined when there is no such version. */
  status(name: string): ApplicationStatus | undefined {
    const version = this.#serving.versions.get(name);
    return version === undefined ? undefined : this.#statusOf(version);
  }

  #statusOf(version: Version): ApplicationStatus {
    const { live, sides } = this.#serving;
    const status = statusOf(version, live, this.#parts.defaultHost(), sides.statusOf(version));
    // Of several versions the one that stands for the path counts.
    if (status.state === 'running' || version.wish === 'lazy' || this.#serving.spokesman() !== version)
      return status;
    const prepared = live.of(version)?.prepared ?? version.prepared;
    const isRequired =
      prepared?.manifest.settings.required ??
      version.order.descriptor?.required ??
      this.#parts.defaults.required;
    return isRequired ? { ...status, isMissed: true } : status;
  }

  /** The operator's descriptor the version was ordered with. */
  descriptorOf(name: string): string | undefined {
    return this.#serving.versions.get(name)?.order.descriptor?.path;
  }

  /** Name of the version that stands for the path. */
  get spokesman(): string | undefined {
    return this.#serving.spokesman()?.name;
  }

  /** What others that depend on them must know of the versions, by name. */
  dependencyNodes(): readonly (readonly [name: string, DependencyNode])[] {
    const { live, versions, active } = this.#serving;
    return [...versions.values()].map((version) => {
      const running = live.of(version);
      const isUp = running !== undefined && targetOf(running) !== undefined && running.isMapped;
      const isComing =
        version.wish === 'run' &&
        (active === undefined || running !== undefined || version.activity !== undefined);
      const state = isUp || version.wish === 'lazy' ? 'up' : isComing ? 'coming' : 'down';
      const { dependsOn = [] } = version.prepared?.manifest.settings ?? {};
      return [version.name, { application: version.order.context.application, dependsOn, state }];
    });
  }

  /** What it failed for is mended: it is tried again. */
  retry(name: string): void {
    this.#background(async () => {
      const version = this.#serving.versions.get(name);
      if (version?.wish !== 'failed' || version.prepared === undefined) return;
      version.wish = 'run';
      version.rejected = undefined;
      await this.#serving.settle();
    });
  }

  /** Key of the content of a version, as it serves or would. */
  keyOf(name: string): string | undefined {
    const version = this.#serving.versions.get(name);
    return version && (this.#serving.live.of(version)?.prepared ?? version.prepared)?.key;
  }

  /** Hashes of the operator's descriptors of what is deployed. */
  descriptorsInUse(): (string | undefined)[] {
    const { versions, live } = this.#serving;
    const prepared = [
      ...live.all().map((running) => running.prepared),
      ...[...versions.values()].map((one) => one.prepared),
    ];
    return prepared.map((one) => one?.descriptor);
  }

  fingerprintsInUse(): string[] {
    return this.#serving.fingerprintsInUse();
  }

  suspect(instance: string, reason: string): void {
    this.#serving.suspect(instance, reason);
  }

  /** New or changed files in the drop folder. Older content that still starts gives way. Never rejects for what is wrong with the bundle. */
  take(order: Order): Promise<TakeResult> {
    const { work } = this.#serving;
    work.overtake(order.name);
    return this.#line.run(async () => {
      if (this.#serving.isClosing || !order.isCurrent()) return 'dropped';
      const hasOvertaken = work.caughtUp(order.name);
      const result = await this.#takeNow(order);
      // The newer content is not there yet, and nobody behind this settles.
      const isLast = !this.#line.hasMore && !this.#serving.isClosing;
      if (hasOvertaken && result === 'dropped' && isLast) await this.#serving.settle();
      return result;
    });
  }

  async #takeNow(order: Order): Promise<TakeResult> {
    const version = this.#versionFor(order);
    const dropped = await this.#serving.prepare(version);
    if (dropped === 'failed') {
      await this.#serving.settle(version);
      await this.#kept.fallBack(version);
    }
    if (typeof dropped === 'string') return dropped;
    const prepared = await this.#kept.unlessPinned(version, dropped);
    const isRetry = order.isForced && (version.wish === 'failed' || version.pendingFailure !== undefined);
    if (!isRetry && (version.prepared?.key === prepared.key || version.rejected === prepared.key)) {
      if (version.rejected !== prepared.key) version.pendingFailure = undefined;
      this.#serving.say(version, 'files have changed, their content has not; nothing to do');
      if (prepared !== version.prepared) prepared.entry.drop();
      // Its start may have given way to this.
      await this.#serving.settle(version);
      return 'unchanged';
    }
    version.prepared = prepared;
    if (version.wish === 'held') version.pendingFailure = undefined;
    const isServing = this.#serving.live.of(version) !== undefined;
    if (version.wish !== 'held') version.wish = isServing ? 'run' : wishOf(prepared);
    if (order.isForced) this.#serving.sides.retry(version);
    else this.#serving.sides.recall(version);
    // What moves is waited for at its old place.
    await this.#serving.settle(order.isMove ? undefined : version);
    if (this.#serving.work.isOvertaken(order.name)) return 'dropped';
    if (version.rejected !== prepared.key) return 'deployed';
    await this.#kept.fallBack(version);
    return 'failed';
  }

  /** The name is gone from the drop folder, or is to go; a start of it is given up. Resolves when nothing of it runs any more. */
  remove(name: string): Promise<void> {
    this.#serving.work.interrupt(name, `${name} is gone from the drop folder`);
    return this.#line.run(async () => {
      const version = this.#serving.versions.get(name);
      if (version === undefined) return;
      version.activity = 'removing';
      this.#parts.changed(name);
      await this.#serving.settle();
      this.#serving.versions.delete(name);
      this.#parts.memory.forget(name);
      await this.#serving.retirements.over(version);
      await this.#serving.publisher.publishOrLog();
      this.#parts.changed(name);
      this.#parts.log.info(
        { event: 'undeployed', application: name, path: this.place.id },
        `${name} is undeployed`,
      );
    });
  }

  /** Like `remove`, with the manners of `stop`. */
  async undeploy(name: string): Promise<void> {
    await this.byHand.halt(name);
    await this.remove(name);
  }

  /** The name could not move away to another path; it goes on here. */
  keepWith(name: string, pendingFailure: string): void {
    const version = this.#serving.versions.get(name);
    if (version !== undefined) version.pendingFailure = pendingFailure;
    this.#parts.changed(name);
  }

  /** What serves may be another now. */
  #followServing(): void {
    const { active, isClosing } = this.#serving;
    // A developer's application is there when its developer comes back.
    if (!isClosing && !this.#parts.isDevelopment) this.#idle.watch(active);
    else this.#idle.stop();
    const version = this.#serving.spokesman();
    const mayRun = !isClosing && version !== undefined && mayServe(version);
    const { manifest } = (mayRun && (active?.prepared ?? version.prepared)) || {};
    this.#jobs.follow(version, manifest?.settings.schedule ?? []);
    this.#servingWait.changed();
  }

  jobs(): readonly JobStatus[] {
    return this.#jobs.statuses();
  }

  /** See `JobPlace`. */
  runJob(name: string): JobRun | undefined {
    return this.#jobs.run(name);
  }

  /** Nobody has used what serves for so long. */
  #rest(running: Running, idleMs: number): void {
    if (!this.#line.isIdle) return;
    this.#background(async () => {
      const { name } = running.version;
      if (!this.#idle.isIdle(running) || !(await this.#serving.rest(running))) return;
      this.#parts.log.info(
        { event: 'idle-stopped', application: name, path: this.place.id, idleMs: Math.round(idleMs) },
        `${name} is stopped: nobody has used it for ${formatDuration(Math.floor(idleMs / 1000) * 1000)}; its next request starts it`,
      );
    });
  }

  /** A request came for a context that waits for one, or a job is due. */
  wanted(by: 'request' | 'job' = 'request'): void {
    const isLazy = () => this.#serving.active === undefined && this.#serving.spokesman()?.wish === 'lazy';
    if (this.#isWanted || !isLazy()) return;
    this.#isWanted = true;
    this.#background(async () => {
      this.#isWanted = false;
      const version = this.#serving.spokesman();
      if (version === undefined || !isLazy()) return;
      version.wish = 'run';
      const began = performance.now();
      await this.#serving.settle();
      const running = this.#serving.live.of(version);
      if (running === undefined) return;
      const spare = running.process?.status().some(({ isFromSpare }) => isFromSpare) ?? false;
      const ms = Math.round(performance.now() - began);
      this.#parts.log.info(
        { event: 'woken', application: version.name, path: this.place.id, by, ms, spare },
        `${version.name} was started by a ${by} (${ms} ms)`,
      );
    });
  }

  canary(): CanaryStatus | undefined {
    return this.#serving.sides.canary.status();
  }

  /** See `CanaryPlace`. */
  endCanary(name: string, decision: CanaryDecision): Promise<boolean> {
    return this.#line.run(async () => {
      const { sides, versions } = this.#serving;
      if (sides.canary.status() === undefined) {
        const { prepared } = versions.get(name) ?? {};
        return prepared !== undefined && this.#parts.memory.decisionOf(name, prepared.key) === decision;
      }
      if (decision === 'promoted') sides.canary.promote('promoted by an operator');
      else sides.canary.abort('aborted by an operator');
      await this.#serving.settle();
      return true;
    });
  }

  /** The end of the host: what runs is drained and stopped, what starts is given up. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.#idle.stop();
    this.#jobs.stop();
    await this.#serving.close(deadlineMs);
    await this.#line.idle();
    await this.#serving.retirements.over();
  }

  /** Nobody waits for it. */
  #background(task: () => Promise<void>): void {
    this.#line.run(task).catch((error: unknown) => {
      this.#parts.log.error(
        { code: 'PORTICO_DEPLOYER_FAILED', err: error, path: this.place.id },
        `work on ${shownPlace(this.place.id)} ended in an error: ${messageOf(error)}`,
      );
    });
  }

  #versionFor(order: Order): Version {
    let version = this.#serving.versions.get(order.name);
    if (version === undefined) {
      version = newVersion(order, this.#parts.held.has(order.name));
      this.#serving.versions.set(order.name, version);
    }
    version.order = order;
    return version;
  }
}
