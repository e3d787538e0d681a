import { DEFAULT_VERSION_SETTINGS } from '../../config/version-settings.js';
import type { DeploymentCounts, RouteTarget } from '../../front/messages.js';
import type { SingleTarget } from '../../front/target-deployments.js';
import { formatDuration } from '../../units.js';
import type { LiveStatus } from '../application-status.js';
import type { Place } from '../place.js';
import { targetOf } from '../route/context-route.js';
import type { ServingParts } from '../serving-parts.js';
import type { Running, Version } from '../version.js';
import { CanaryRollout } from './canary-rollout.js';
import { targetOfLive } from './live-route.js';
import type { LiveRole, LiveVersions } from './live-versions.js';
import { reasonToStay, type StayFacts } from './stay-rule.js';
import { VersionFacts } from './version-facts.js';

/** What those beside need of whoever owns them. All that wait are called one after the other only. */
export interface SideServing {
  readonly live: LiveVersions;
  /**
   * Starts a version, and makes it live in this role; `ready` is called before the fronts hear of it. False: it could
   * not, which is noted; nothing has changed.
   */
  launchBeside(version: Version, role: LiveRole, ready?: (running: Running) => void): Promise<boolean>;
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
  readonly canary: CanaryRollout;
  readonly #place: Place;
  readonly #parts: ServingParts;
  readonly #serving: SideServing;
  readonly #facts: VersionFacts;
  #timer: NodeJS.Timeout | undefined;

  constructor(place: Place, parts: ServingParts, serving: SideServing) {
    this.#place = place;
    this.#parts = parts;
    this.#serving = serving;
    this.#facts = new VersionFacts(parts.routes);
    this.canary = new CanaryRollout(place, parts, {
      live: serving.live,
      launchBeside: (...started) => serving.launchBeside(...started),
      publish: () => serving.publish(),
      count: (running) => this.#count(running),
      log: (...said) => this.#log(...said),
    });
  }

  /** It never serves a client. */
  isShadow({ prepared }: Version): boolean {
    return prepared?.manifest.settings.shadow !== undefined && !this.#parts.isDevelopment;
  }

  /** Of these, highest first, those that may serve by themselves. A trial needs something to be compared with, or nothing. */
  bases(candidates: readonly Version[]): readonly Version[] {
    const own = candidates.filter((version) => !this.isShadow(version));
    const bases = own.filter((version) => !this.canary.isTrial(version));
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
    this.canary.noteFailure();
    if (active !== undefined) {
      const own = candidates.filter((version) => !this.isShadow(version));
      await this.canary.settle(own, active);
      await this.#settleShadows(candidates);
      await this.#retireOld();
    }
    this.canary.forgetEnded();
    this.#watch();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** How the place answers while `active` is the target of what serves. */
  around(active: SingleTarget): RouteTarget {
    const { memory } = this.#parts;
    return targetOfLive(this.#live, active, this.canary.share, (name) => memory.pinOf(this.#place.id, name));
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
    const { share } = this.canary;
    if (this.canary.isOf(running)) return share;
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

  get #live(): LiveVersions {
    return this.#serving.live;
  }

  async #settleShadows(candidates: readonly Version[]): Promise<void> {
    const shadows = candidates.filter((version) => this.isShadow(version));
    for (const version of shadows) {
      const isLive = this.#live.sound(version) !== undefined;
      if (this.#hasSource(version) && !isLive) await this.#serving.launchBeside(version, 'shadow');
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
    if (this.canary.look() || hasEnded) this.#serving.settleLater();
  }

  /** Those that are live for the clients they have, the one that was replaced first first. */
  #old(): Running[] {
    return this.#live.beside.filter(({ role }) => role === 'old').map(({ running }) => running);
  }

  #mayStay(running: Running): boolean {
    return reasonToStay(this.#stayFacts(running), this.#settingsOf(running)) !== undefined;
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
