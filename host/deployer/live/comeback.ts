import { messageOf } from '../../errors.js';
import type { DeploymentFacts, KeptContent } from '../history/deployment-record.js';
import { mayFollow } from '../history/deployment-steps.js';
import { type Place, shownPlace } from '../place.js';
import { prepareKept } from '../rollout/prepare.js';
import { type KeptWarm, Probations } from '../rollout/probation.js';
import type { Retirements } from '../rollout/retirements.js';
import { RolloutFailure } from '../rollout/rollout-failure.js';
import { targetOf } from '../route/context-route.js';
import type { ServingParts } from '../serving-parts.js';
import { mayServe, type Prepared, type Running, type Version } from '../version.js';
import type { LiveVersions } from './live-versions.js';

/** What a comeback needs of what serves the place. */
export interface ComebackHost {
  readonly live: LiveVersions;
  readonly retirements: Retirements;
  readonly isClosing: () => boolean;
  /** Runs a task after what the context is doing. */
  readonly enqueue: (task: () => Promise<void>) => void;
  readonly publish: () => Promise<void>;
  readonly settle: () => Promise<void>;
  /** Content that is neither of a version yet nor out of use; undefined: none. */
  readonly hold: (fingerprint: string | undefined) => void;
  readonly fail: (version: Version, prepared: Prepared, failure: RolloutFailure) => void;
  readonly say: (version: Version, message: string) => void;
}

/**
 * How content of before serves again at one place: what is kept warm, when what replaced it fails on probation, and
 * what is kept in the store, when it is asked for or nothing else starts. Owned by `Serving`.
 */
export class Comeback {
  readonly probations: Probations;
  readonly #place: Place;
  readonly #parts: ServingParts;
  readonly #host: ComebackHost;

  constructor(place: Place, parts: ServingParts, host: ComebackHost) {
    this.#place = place;
    this.#parts = parts;
    this.#host = host;
    this.probations = new Probations({
      countsOf: (deployment) => parts.routes.countsOf?.(deployment) ?? { requests: 0, errors: 0 },
      goBack: (newer, warm, reason) => host.enqueue(() => this.#goBack(newer, warm, reason)),
    });
  }

  /** Content that served before, out of the store. Throws RolloutFailure. */
  async prepare(version: Version, kept: KeptContent, trigger: DeploymentFacts['trigger']): Promise<Prepared> {
    this.#host.hold(kept.fingerprint);
    try {
      return await prepareKept(version.name, kept, this.#parts, trigger);
    } finally {
      this.#host.hold(undefined);
    }
  }

  /**
   * Starts content of before, and brings it to serve. What was said of the content that failed stays: it is not tried
   * again, and the status tells why it does not serve. False: that did not work either.
   */
  async launch(version: Version, kept: KeptContent, trigger: DeploymentFacts['trigger']): Promise<boolean> {
    const { rejected, lastOutput } = version;
    const why = version.wish === 'failed' ? version.reason : version.pendingFailure;
    try {
      version.prepared = await this.prepare(version, kept, trigger);
    } catch (error) {
      this.#host.say(version, `content of before cannot serve: ${messageOf(error)}`);
      return false;
    }
    version.wish = 'run';
    await this.#host.settle();
    if (this.#host.live.of(version)?.prepared !== version.prepared) return false;
    version.pendingFailure = why;
    version.rejected = rejected;
    version.lastOutput = lastOutput;
    this.#parts.changed(version.name);
    return true;
  }

  /** What was kept warm serves again at once. If it has heard that it is to stop, one with words for that is started anew. */
  async #goBack(newer: Running, warm: KeptWarm, reason: string): Promise<void> {
    const { live, retirements, isClosing } = this.#host;
    const older = warm.running;
    const { version } = older;
    if (isClosing() || live.active !== newer || targetOf(older) === undefined || !mayServe(version)) {
      warm.settle('over');
      return;
    }
    const hasHeard = !live.has(older);
    warm.settle('returned');
    live.activate(older);
    version.prepared = older.prepared;
    if (mayFollow(older.entry.current, 'serving')) older.entry.step('serving');
    if (version !== newer.version)
      this.#parts.memory.decide(newer.version.name, newer.prepared.key, 'returned');
    // Whoever sees that the old content serves also sees why.
    const failure = new RolloutFailure(newer.version.name, 'probation', new Error(reason));
    if (mayFollow(newer.entry.current, 'failed')) newer.entry.step('failed', { cause: failure.reason });
    this.#host.fail(newer.version, newer.prepared, failure);
    await this.#host.publish();
    void retirements.add(newer, newer.prepared.manifest.settings.drainTimeoutMs);
    this.#tell(newer, older, reason);
    if (version === newer.version) await this.#parts.pin(version, older.prepared);
    const hasWords = hasHeard && older.process?.kind?.() === 'framework';
    // The same content once more: nothing is proved or disproved by it.
    if (hasWords && (await this.launch(version, older.prepared, 'return'))) this.probations.end(older);
    await this.#host.settle();
  }

  #tell(newer: Running, older: Running, reason: string): void {
    const { name } = newer.version;
    this.#parts.log.warn(
      {
        event: 'rolled-back',
        application: name,
        path: this.#place.id,
        from: newer.prepared.fingerprint,
        to: older.prepared.fingerprint,
        reason,
      },
      `${name}: ${reason}; ${shownPlace(this.#place.id)} is served by what served before`,
    );
  }
}
