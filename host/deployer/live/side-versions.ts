import { compareVersions } from '../../bundle/compare-versions.js';
import { DEFAULT_VERSION_SETTINGS } from '../../config/version-settings.js';
import type { DeploymentCounts, RouteTarget } from '../../front/messages.js';
import type { SingleTarget } from '../../front/target-deployments.js';
import { formatDuration } from '../../units.js';
import type { LiveStatus } from '../application-status.js';
import { type Place, shownPlace } from '../place.js';
import { targetOf } from '../route/context-route.js';
import type { ServingParts } from '../serving.js';
import type { Running, Version } from '../version.js';
import type { CanaryStatus } from './canaries.js';
import { CanaryRun } from './canary-run.js';
import { targetOfLive } from './live-route.js';
import type { LiveVersions, Role } from './live-versions.js';
import { reasonToStay, type StayFacts } from './stay-rule.js';
import { VersionFacts } from './version-facts.js';

/** What those beside need of whoever owns them. All that wait are called one after the other only. */
export interface SideServing {
  readonly live: LiveVersions;
  /**
   * Starts a version, and makes it live in this role; `ready` is called before the fronts hear of it. False: it could
   * not, which is noted; nothing has changed.
   */
  launchBeside(version: Version, role: Role, ready?: (running: Running) => void): Promise<boolean>;
  /** Takes it out of the mapping, and ends it. Resolves when no new request comes to it. */
  dismiss(running: Running): Promise<void>;
  /** Brings about what is wished now, after all that is under way. */
  settleLater(): void;
  publish(): Promise<void>;
  /** What serves is on probation, and this is to serve again if it fails. */
  isWarm(running: Running): boolean;
  /** Another action of this place waits for its turn. */
  hasMore(): boolean;
}

/** Old versions of one place that stay live for the clients they have; the oldest makes room for a further one. */
const MAX_OLD = 4;
/** The fronts report once a second. */
const LOOK_MS = 1000;

/**
 * The versions that are live beside the one that serves: old ones for the clients they have, one canary on its way, and
 * shadows. Decides which there are to be, how requests are shared out, and when each ends. Owned by `Serving`; owns one
 * timer, while there are any.
 */
export class SideVersions {
  readonly #place: Place;
  readonly #parts: ServingParts;
  readonly #serving: SideServing;
  readonly #facts: VersionFacts;
  #canary: { readonly running: Running; readonly run: CanaryRun } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(place: Place, parts: ServingParts, serving: SideServing) {
    this.#place = place;
    this.#parts = parts;
    this.#serving = serving;
    this.#facts = new VersionFacts(parts.routes);
  }

  /** It comes into use step by step, beside what it is to replace, and has not done so yet. */
  isTrial(version: Version): boolean {
    const { prepared } = version;
    if (this.#parts.isDevelopment || this.#parts.routes.countsOf === undefined) return false;
    if (prepared?.manifest.settings.canary === undefined || this.#live.active?.version === version)
      return false;
    return this.#parts.memory.decisionOf(version.name, prepared.key) !== 'promoted';
  }

  /** It never serves a client. */
  isShadow({ prepared }: Version): boolean {
    return prepared?.manifest.settings.shadow !== undefined && !this.#parts.isDevelopment;
  }

  /** Of these, highest first, those that may serve by themselves. A trial needs something to be compared with, or nothing. */
  bases(candidates: readonly Version[]): readonly Version[] {
    const own = candidates.filter((version) => !this.isShadow(version));
    const bases = own.filter((version) => !this.isTrial(version));
    if (bases.length > 0) return bases;
    // What is still to come in this turn, as after a restart, may be what it is to be compared with.
    return this.#serving.hasMore() ? [] : own;
  }

  /** Content that gave way to an older version was read again, as after a restart: it is not tried once more. */
  recall(version: Version): void {
    const { prepared, name } = version;
    if (prepared === undefined || version.wish === 'held') return;
    const why = this.#parts.memory.whyNot(name, prepared.key);
    if (why === undefined) return;
    version.wish = 'failed';
    version.reason = `${why}; start it by hand, or bring other content`;
  }

  /** An operator wants it tried again. */
  retry({ name, prepared }: Version): void {
    if (prepared !== undefined) this.#parts.memory.pardon(name, prepared.key);
  }

  /** What has served stays live beside the one that replaces it. Called before the fronts change over. */
  mayKeep(old: Running): boolean {
    const { isDevelopment, routes } = this.#parts;
    return (
      !isDevelopment &&
      routes.countsOf !== undefined &&
      targetOf(old) !== undefined &&
      old.gaveUp === undefined
    );
  }

  /** It serves now. */
  activated({ version, prepared }: Running): void {
    if (prepared.manifest.settings.canary !== undefined && !this.#parts.isDevelopment)
      this.#parts.memory.decide(version.name, prepared.key, 'promoted');
  }

  /** Brings about what is to be live beside the active one. `candidates`: what may serve, highest first. */
  async settle(candidates: readonly Version[]): Promise<void> {
    const { active } = this.#live;
    this.#noteFailedCanary();
    if (active !== undefined) {
      await this.#settleCanary(candidates, active);
      await this.#settleShadows(candidates);
      await this.#retireOld();
    }
    if (this.#canary !== undefined && !this.#isUnderWay()) this.#canary = undefined;
    this.#watch();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** How the place answers while `active` is the target of what serves. */
  around(active: SingleTarget): RouteTarget {
    const { memory } = this.#parts;
    return targetOfLive(this.#live, active, this.#canary?.run.share ?? 0, (name) =>
      memory.pinOf(this.#place.id, name),
    );
  }

  /** The canary that is under way. */
  canary(): CanaryStatus | undefined {
    const { active } = this.#live;
    if (this.#canary === undefined || active === undefined) return undefined;
    const { running, run } = this.#canary;
    const { steps, intervalMs, minRequests, maxErrorRate } = run.settings;
    const { requests, errors } = run.countsOf(this.#count(running));
    return {
      name: running.version.name,
      replaces: active.version.name,
      path: shownPlace(this.#place.id),
      step: run.step + 1,
      steps,
      share: run.share,
      stepForMs: Math.round(run.sinceMs(performance.now())),
      intervalMs,
      requests,
      errors,
      minRequests,
      maxErrorRate,
    };
  }

  /** What operators see of a version while several are live; undefined otherwise. */
  statusOf(version: Version): LiveStatus | undefined {
    const running = this.#live.of(version);
    if (running?.isMapped !== true || this.#live.beside.length === 0) return undefined;
    const { requests, errors, inFlight, tunnels, pinned = 0, skipped = 0 } = this.#count(running);
    const role = this.#live.roleOf(version) ?? 'active';
    const why = this.#whyLive(running, role);
    const share = this.#shareOf(running);
    return { role, share, why, requests, errors, inFlight, tunnels, pinned, skipped };
  }

  #shareOf(running: Running): number {
    const share = this.#canary?.run.share ?? 0;
    if (this.#canary?.running === running) return share;
    return this.#live.active === running ? 100 - share : 0;
  }

  #whyLive(running: Running, role: LiveStatus['role']): string {
    const { shadow } = running.prepared.manifest.settings;
    switch (role) {
      case 'old':
        return reasonToStay(this.#stayFacts(running), this.#settingsOf(running)) ?? 'it is about to end';
      case 'canary':
        return `canary: ${this.#shareOf(running)} % of the new clients`;
      case 'shadow':
        return `shadow of version ${shadow?.of}: copies of ${shadow?.percent} % of its safe requests`;
      case 'active':
        return `${this.#shareOf(running)} % of the new clients`;
    }
  }

  /** The canary serves everybody from the next settling on. */
  promote(reason: string): void {
    const { running, run } = this.#canary ?? {};
    if (running === undefined || run === undefined) return;
    const { version, prepared } = running;
    this.#parts.memory.decide(version.name, prepared.key, 'promoted');
    this.#canary = undefined;
    this.#log('info', 'canary-promoted', version, reason, { step: run.step + 1 });
  }

  /** The canary ends with the next settling, and is not tried again by itself. */
  abort(reason: string): void {
    const { running, run } = this.#canary ?? {};
    if (running === undefined || run === undefined) return;
    const { version, prepared } = running;
    this.#parts.memory.decide(version.name, prepared.key, 'aborted');
    this.#canary = undefined;
    version.wish = 'failed';
    version.reason = `canary aborted: ${reason}`;
    version.rejected = prepared.key;
    const { requests, errors } = run.countsOf(this.#count(running));
    this.#log('warn', 'canary-aborted', version, reason, {
      step: run.step + 1,
      share: run.share,
      requests,
      errors,
    });
  }

  get #live(): LiveVersions {
    return this.#serving.live;
  }

  async #settleCanary(candidates: readonly Version[], active: Running): Promise<void> {
    const version = candidates.find((one) => !this.isShadow(one) && this.isTrial(one));
    for (const { running, role } of this.#live.beside)
      if (role === 'canary' && running.version !== version) this.#live.keep(running, 'old');
    if (version === undefined || !isNewer(version, active.version)) return;
    const settings = version.prepared?.manifest.settings.canary;
    const running = this.#live.of(version);
    if (settings === undefined) return;
    const isLive =
      running !== undefined && running.gaveUp === undefined && running.prepared === version.prepared;
    if (isLive && this.#live.roleOf(version) === 'canary' && this.#canary?.running === running) return;
    this.retry(version);
    const begin = (started: Running): void => {
      const run = new CanaryRun(settings, performance.now(), this.#count(started), this.#count(active));
      this.#canary = { running: started, run };
    };
    if (isLive) {
      this.#live.keep(running, 'canary');
      begin(running);
      await this.#serving.publish();
    } else if (!(await this.#serving.launchBeside(version, 'canary', begin))) return;
    const share = settings.steps[0];
    this.#log('info', 'canary-started', version, `gets ${share} % of the new clients`, { share });
  }

  async #settleShadows(candidates: readonly Version[]): Promise<void> {
    const shadows = candidates.filter((version) => this.isShadow(version));
    for (const version of shadows) {
      const running = this.#live.of(version);
      const hasSource = this.#hasSource(version);
      const isLive =
        running !== undefined && running.gaveUp === undefined && running.prepared === version.prepared;
      if (hasSource && !isLive) await this.#serving.launchBeside(version, 'shadow');
    }
    for (const { running, role } of this.#live.beside)
      if (role === 'shadow' && !this.#hasSource(running.version)) await this.#serving.dismiss(running);
  }

  /** What it is to get copies of is live. */
  #hasSource({ prepared }: Version): boolean {
    const of = prepared?.manifest.settings.shadow?.of;
    return this.#live
      .all()
      .some(({ version }) => version.order.context.version === of && this.#live.roleOf(version) !== 'shadow');
  }

  /** Ends old versions that nobody needs, whose time is over, or that are too many. */
  async #retireOld(): Promise<void> {
    const old = this.#old();
    // What may have to serve again makes no room for others.
    const mayGo = old.filter((running) => !this.#serving.isWarm(running));
    const surplus = mayGo.slice(0, Math.max(0, old.length - MAX_OLD));
    for (const running of old) {
      if (surplus.includes(running))
        await this.#retire(running, `more than ${MAX_OLD} old versions are live`);
      else if (!this.#mayStay(running)) await this.#retire(running, this.#whyOver(running));
    }
  }

  #whyOver(running: Running): string {
    const { maxAgeMs } = this.#settingsOf(running);
    if (this.#stayFacts(running).replacedForMs < maxAgeMs) return 'nobody uses it any more';
    return `it has been live beside a newer one for ${formatDuration(maxAgeMs)}`;
  }

  #watch(): void {
    if (this.#live.beside.length === 0) {
      this.stop();
      return;
    }
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  #look(): void {
    this.#facts.look(this.#live.all());
    const hasEnded = this.#old().some((running) => !this.#mayStay(running));
    if (this.#lookAtCanary() || hasEnded) this.#serving.settleLater();
  }

  #lookAtCanary(): boolean {
    const { running, run } = this.#canary ?? {};
    const { active } = this.#live;
    if (running === undefined || run === undefined || active === undefined || !this.#isUnderWay())
      return false;
    const verdict = run.look(performance.now(), this.#count(running), this.#count(active));
    switch (verdict.kind) {
      case 'stay':
        return false;
      case 'step':
        this.#log('info', 'canary-step', running.version, `gets ${verdict.share} % of the new clients`, {
          step: run.step + 1,
          share: verdict.share,
        });
        return true;
      case 'promote':
        this.promote('has passed its last step; it serves all new clients');
        return true;
      case 'abort':
        this.abort(verdict.reason);
        return true;
    }
  }

  #isUnderWay(): boolean {
    const running = this.#canary?.running;
    return (
      running !== undefined && this.#live.has(running) && this.#live.roleOf(running.version) === 'canary'
    );
  }

  /** Those that are live for the clients they have, the one that was replaced first first. */
  #old(): Running[] {
    return this.#live.beside.filter(({ role }) => role === 'old').map(({ running }) => running);
  }

  #mayStay(running: Running): boolean {
    return reasonToStay(this.#stayFacts(running), this.#settingsOf(running)) !== undefined;
  }

  /** The supervisor has given it up; why is noted with the version. */
  #noteFailedCanary(): void {
    const { running, run } = this.#canary ?? {};
    if (running?.gaveUp === undefined || run === undefined) return;
    const { version, prepared } = running;
    this.#parts.memory.decide(version.name, prepared.key, 'aborted');
    this.#canary = undefined;
    this.#log('warn', 'canary-aborted', version, running.gaveUp, { step: run.step + 1, share: run.share });
  }

  async #retire(running: Running, reason: string): Promise<void> {
    await this.#serving.dismiss(running);
    this.#log('info', 'version-retired', running.version, reason, {});
  }

  #stayFacts(running: Running): StayFacts {
    const { inFlight, tunnels } = this.#count(running);
    const since = this.#live.beside.find((one) => one.running === running)?.since ?? performance.now();
    const replacedForMs = performance.now() - since;
    const isWarm = this.#serving.isWarm(running);
    return { inFlight, tunnels, replacedForMs, isWarm, ...this.#facts.of(running, since) };
  }

  #settingsOf({ prepared }: Running) {
    return prepared.manifest.settings.versions ?? DEFAULT_VERSION_SETTINGS;
  }

  #count({ deployment }: Running): DeploymentCounts {
    return (
      this.#parts.routes.countsOf?.(deployment) ?? {
        deployment,
        requests: 0,
        errors: 0,
        inFlight: 0,
        tunnels: 0,
      }
    );
  }

  #log(level: 'info' | 'warn', event: string, { name }: Version, message: string, fields: object): void {
    this.#parts.log[level](
      { event, application: name, path: this.#place.id, ...fields },
      `${name}: ${message}`,
    );
    this.#parts.changed(name);
  }
}

function isNewer(version: Version, than: Version): boolean {
  return compareVersions(version.order.context.version, than.order.context.version) > 0;
}
